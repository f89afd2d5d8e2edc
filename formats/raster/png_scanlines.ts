import { ImageError } from "../image_error.ts";
import type { PngHeader } from "./png_header.ts";

/** A picture within the picture: every `dx`-th pixel of every `dy`-th line from (x, y) on. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly width: number;
  readonly height: number;
  /** Bytes of a line, without the one that names its filter. */
  readonly stride: number;
}

const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/** The passes that a picture is stored in, those without pixels left out (PNG, third edition, section 8). */
export const pngPasses = ({ height, width, depth, samples, isInterlaced }: PngHeader): readonly Pass[] =>
  (isInterlaced ? ADAM7 : [[0, 0, 1, 1]]).map(([x, y, dx, dy]) => {
    const across = Math.ceil((width - x) / dx);
    return {
      x,
      y,
      dx,
      dy,
      width: across,
      height: Math.ceil((height - y) / dy),
      stride: Math.ceil(across * samples * depth / 8),
    };
  }).filter((pass) => pass.width > 0 && pass.height > 0);

/** Bytes of all lines of all passes, each with its filter's. */
export const scanlineBytes = (passes: readonly Pass[]): number =>
  passes.reduce((all, { height, stride }) => all + height * (1 + stride), 0);

const paeth = (left: number, up: number, corner: number): number => {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
};

/** Undoes the filter of a line in place (PNG, third edition, section 9); `step` is the bytes of a pixel, 1 or more. */
const unfilter = (filter: number, line: Uint8Array, above: Uint8Array | null, step: number): void => {
  const up = above ?? new Uint8Array(line.length);
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < line.length; i++) line[i] += line[i - step];
      return;
    case 2:
      for (let i = 0; i < line.length; i++) line[i] += up[i];
      return;
    case 3:
      for (let i = 0; i < line.length; i++) line[i] += ((i < step ? 0 : line[i - step]) + up[i]) >> 1;
      return;
    case 4:
      for (let i = 0; i < line.length; i++) {
        line[i] += i < step ? up[i] : paeth(line[i - step], up[i], up[i - step]);
      }
      return;
    default:
      throw new ImageError("damaged", `a line of the PNG names the filter ${filter}; there are 0 to 4`);
  }
};

/**
 * Undoes filters and interlacing.
 *
 * @param lines the inflated image data, `scanlineBytes` long; it is overwritten
 * @returns H·W samples, or groups of them, as they are stored: neither scaled nor looked up
 * @throws {ImageError} if a line's filter is none
 */
export const pngSamples = (
  header: PngHeader,
  passes: readonly Pass[],
  lines: Uint8Array,
): Uint8Array | Uint16Array => {
  const { height, width, depth, samples } = header;
  const length = height * width * samples;
  const out = depth === 16 ? new Uint16Array(length) : new Uint8Array(length);
  const step = Math.max(1, samples * depth / 8);
  const mask = (1 << depth) - 1;
  let at = 0;
  for (const { x, y, dx, dy, width: across, height: down, stride } of passes) {
    let above: Uint8Array | null = null;
    for (let row = 0; row < down; row++) {
      const line = lines.subarray(at + 1, at + 1 + stride);
      unfilter(lines[at], line, above, step);
      const start = ((y + row * dy) * width + x) * samples;
      for (let column = 0, i = 0; column < across; column++) {
        const to = start + column * dx * samples;
        for (let s = 0; s < samples; s++, i++) {
          if (depth === 8) out[to + s] = line[i];
          else if (depth === 16) out[to + s] = line[2 * i] << 8 | line[2 * i + 1];
          else out[to + s] = line[i * depth >> 3] >> (8 - depth - (i * depth & 7)) & mask;
        }
      }
      above = line;
      at += 1 + stride;
    }
  }
  return out;
};
