/** A picture to begin with, drawn here: hills under a sun. */
export const examplePicture = (size = 256): HTMLCanvasElement => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const sky = context.createLinearGradient(0, 0, 0, size);
  sky.addColorStop(0, "#274472");
  sky.addColorStop(0.55, "#e8a87c");
  sky.addColorStop(1, "#f6d8a8");
  context.fillStyle = sky;
  context.fillRect(0, 0, size, size);
  context.fillStyle = "#fff1c9";
  context.beginPath();
  context.arc(size * 0.66, size * 0.4, size * 0.13, 0, 2 * Math.PI);
  context.fill();
  const hill = (color: string, base: number, height: number, phase: number) => {
    context.fillStyle = color;
    context.beginPath();
    context.moveTo(0, size);
    for (let x = 0; x <= size; x++) {
      const wave = Math.sin(x / size * 5 + phase) + 0.4 * Math.sin(x / size * 13 + 2 * phase);
      context.lineTo(x, size * base - wave * size * height);
    }
    context.lineTo(size, size);
    context.fill();
  };
  hill("#6d597a", 0.62, 0.07, 1);
  hill("#355070", 0.74, 0.06, 3.4);
  hill("#1b2a3a", 0.88, 0.05, 5.2);
  return canvas;
};
