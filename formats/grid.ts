import type { ByteImages } from "./pixels.ts";

/** Pixels between and around the images of a grid. */
export const GRID_PADDING = 2;

/** Extent of the picture that `tile` makes: columns near the square root of the number of images, never empty rows. */
export const gridSize = (
  count: number,
  { height, width }: { height: number; width: number },
  { columns = Math.ceil(Math.sqrt(count)), padding = GRID_PADDING }: { columns?: number; padding?: number } = {},
): { columns: number; rows: number; height: number; width: number } => {
  if (!(Number.isInteger(columns) && columns >= 1)) {
    throw new RangeError(`columns must be an integer ≥ 1, received ${columns}`);
  }
  const across = Math.min(columns, count);
  const rows = Math.ceil(count / across);
  return {
    columns: across,
    rows,
    height: rows * (height + padding) + padding,
    width: across * (width + padding) + padding,
  };
};

/**
 * Lays images out as one picture, row by row, with `padding` pixels of `background` between and around them.
 *
 * @returns one image with the channels of its tiles
 * @throws {RangeError} if there is no image, or `data` does not hold whole ones
 */
export const tile = (
  { data, height, width, channels }: ByteImages,
  { columns, padding = GRID_PADDING, background = 0 }: { columns?: number; padding?: number; background?: number } = {},
): ByteImages => {
  const count = data.length / (height * width * channels);
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(
      `data must hold one or more ${height}×${width}×${channels} images, received ${data.length} bytes`,
    );
  }
  const grid = gridSize(count, { height, width }, { columns, padding });
  const picture = new Uint8Array(grid.height * grid.width * channels).fill(background);
  for (let i = 0; i < count; i++) {
    const top = padding + Math.floor(i / grid.columns) * (height + padding);
    const left = padding + (i % grid.columns) * (width + padding);
    for (let y = 0; y < height; y++) {
      const from = (i * height + y) * width * channels;
      picture.set(data.subarray(from, from + width * channels), ((top + y) * grid.width + left) * channels);
    }
  }
  return { data: picture, height: grid.height, width: grid.width, channels };
};
