/** Which pixels are to be drawn anew: 1 an entry, row by row. Never written to: a change gives a new one. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A mask of a rule. */
export const maskOf = (width: number, height: number, rule: (x: number, y: number) => boolean): Mask => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => rule(i % width, Math.floor(i / width)) ? 1 : 0),
});

/** Sets the pixels of a disc along a line to 1, or to 0. */
export const stroke = (
  { width, height, data }: Mask,
  { from, to, size, value }: {
    from: readonly [x: number, y: number];
    to: readonly [x: number, y: number];
    /** Diameter in pixels. */
    size: number;
    value: 0 | 1;
  },
): Mask => {
  const next = data.slice();
  const radius = size / 2;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = dx * dx + dy * dy;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const [ex, ey] = [px - along * dx, py - along * dy];
      if (ex * ex + ey * ey <= radius * radius) next[y * width + x] = value;
    }
  }
  return { width, height, data: next };
};

/** The other pixels. */
export const invert = ({ width, height, data }: Mask): Mask => ({ width, height, data: data.map((v) => 1 - v) });

/** The share of pixels that are drawn anew. */
export const share = ({ data }: Mask): number => data.reduce((sum, v) => sum + v, 0) / data.length;

/** The mask as requests take it: white is drawn anew. */
export const maskUrl = ({ width, height, data }: Mask): string => {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  data.forEach((v, i) => image.data.set([255 * v, 255 * v, 255 * v, 255], 4 * i));
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.toDataURL("image/png");
};
