/** How images lie in the picture that shows them all: row by row, with `padding` pixels between and around them. */
export interface Grid {
  readonly count: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly padding: number;
}

/** The layout of the server's pictures of `count` images. */
export const gridOf = (
  count: number,
  { width, height }: { width: number; height: number },
  columns = Math.ceil(Math.sqrt(count)),
): Grid => ({ count, columns: Math.min(columns, count), width, height, padding: count === 1 ? 0 : 2 });

/** Where image `i` begins in the picture. */
export const tileOrigin = ({ columns, width, height, padding }: Grid, i: number): [x: number, y: number] => [
  padding + (i % columns) * (width + padding),
  padding + Math.floor(i / columns) * (height + padding),
];

/** The bytes of a `data:` URL of base64. */
export const bytesOf = (url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (c) => c.charCodeAt(0));

/** Decodes a picture that came as a `data:` URL. */
export const decode = (url: string): Promise<ImageBitmap> =>
  createImageBitmap(new Blob([bytesOf(url)], { type: url.slice(5, url.indexOf(";")) }));

/** Values in [-1, 1], H·W·C, as pixels of a canvas. */
export const toPixels = (
  values: Float32Array,
  { width, height, channels }: { width: number; height: number; channels: number },
): ImageData => {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = Math.round((values[i * channels + (channels === 1 ? 0 : c)] + 1) * 127.5);
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
};

/** A picture cropped in its middle and scaled to an extent, on white, as a canvas. */
export const fit = (picture: ImageBitmap | HTMLCanvasElement, width: number, height: number): HTMLCanvasElement => {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [width / scale, height / scale];
  context.drawImage(picture, (picture.width - w) / 2, (picture.height - h) / 2, w, h, 0, 0, width, height);
  return canvas;
};

/** A canvas as values in [-1, 1], H·W·C; gray ones by luma. */
export const toValues = (canvas: HTMLCanvasElement, channels: number): Float32Array => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d", { willReadFrequently: true })!.getImageData(0, 0, width, height);
  const values = new Float32Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]];
    if (channels === 1) values[i] = (0.299 * r + 0.587 * g + 0.114 * b) / 127.5 - 1;
    else for (let c = 0; c < 3; c++) values[3 * i + c] = data[4 * i + c] / 127.5 - 1;
  }
  return values;
};

/** A canvas as a PNG in a `data:` URL, which requests take as an image. */
export const toUrl = (canvas: HTMLCanvasElement): string => canvas.toDataURL("image/png");

/** Saves a file on the reader's machine. */
export const save = (blob: Blob, name: string): void => {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

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
