import gifenc from "gifenc";
import { type Animation, type AnimationTiming, frameDelays } from "./animation.ts";
import { enlarge } from "./enlarge.ts";

/** Colours, [r, g, b] each. */
export type Palette = readonly (readonly number[])[];

/** A picture in at most 256 colours. */
export interface IndexedImage {
  readonly palette: Palette;
  /** Number of the colour of each pixel. */
  readonly indices: Uint8Array;
}

const MOST = 256;

/** The quantizer's time grows with the square of the cells of colour space that are in use: it gets fewer of them then. */
const MOST_CELLS = 4000;

const GRAYS: Palette = Array.from({ length: 256 }, (_, gray) => [gray, gray, gray]);

/** All colours of RGB pixels by their first appearance, as 0xrrggbb; null if there are more than 256. */
const fewColours = (rgb: Uint8Array): Map<number, number> | null => {
  const numbers = new Map<number, number>();
  for (let i = 0; i < rgb.length; i += 3) {
    const colour = rgb[i] << 16 | rgb[i + 1] << 8 | rgb[i + 2];
    if (numbers.has(colour)) continue;
    if (numbers.size === MOST) return null;
    numbers.set(colour, numbers.size);
  }
  return numbers;
};

const cellsInUse = (rgb: Uint8Array): number => {
  const used = new Uint8Array(65536);
  let cells = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const cell = (rgb[i] >> 3) << 11 | (rgb[i + 1] >> 2) << 5 | rgb[i + 2] >> 3;
    if (used[cell] === 0) cells++;
    used[cell] = 1;
  }
  return cells;
};

const choosePalette = (rgb: Uint8Array): Palette => {
  const rgba = new Uint8Array(rgb.length / 3 * 4).fill(255);
  for (let i = 0, at = 0; i < rgb.length; i += 3, at += 4) rgba.set(rgb.subarray(i, i + 3), at);
  return gifenc.quantize(rgba, MOST, { format: cellsInUse(rgb) <= MOST_CELLS ? "rgb565" : "rgb444" });
};

const nearestColour = (palette: Palette) => {
  const flat = Int32Array.from(palette.flat());
  const known = new Map<number, number>();
  return (r: number, g: number, b: number): number => {
    const colour = r << 16 | g << 8 | b;
    const found = known.get(colour);
    if (found !== undefined) return found;
    let [best, least] = [0, Infinity];
    for (let at = 0; at < flat.length; at += 3) {
      const distance = (flat[at] - r) ** 2 + (flat[at + 1] - g) ** 2 + (flat[at + 2] - b) ** 2;
      if (distance < least) [best, least] = [at / 3, distance];
    }
    known.set(colour, best);
    return best;
  };
};

/**
 * Brings pixels down to 256 colours: as they are where they have no more, else each to the nearest colour of a palette
 * made for them (pairwise nearest neighbour clustering), without dithering.
 *
 * @param channels 1: gray, never changed; 3: RGB
 */
export const toPalette = (pixels: Uint8Array, channels: number): IndexedImage => {
  if (channels === 1) return { palette: GRAYS, indices: pixels };
  const indices = new Uint8Array(pixels.length / 3);
  const few = fewColours(pixels);
  const palette = few ? [...few.keys()].map((c) => [c >> 16, c >> 8 & 255, c & 255]) : choosePalette(pixels);
  const find = few ? (r: number, g: number, b: number) => few.get(r << 16 | g << 8 | b)! : nearestColour(palette);
  for (let p = 0, i = 0; p < indices.length; p++, i += 3) indices[p] = find(pixels[i], pixels[i + 1], pixels[i + 2]);
  return { palette, indices };
};

const LARGEST = 65_535;

/** Times of GIF are in hundredths of a second, and browsers show what is shorter than two as ten. */
const gifDelay = (milliseconds: number): number => Math.max(20, Math.round(milliseconds / 10) * 10);

/** GIF counts how often a film is repeated after it was shown; without that extension it is shown once. */
const repeats = (loops: number): number => loops === 0 ? 0 : loops === 1 ? -1 : loops - 1;

/**
 * A film as an animated GIF. Gray frames keep every pixel, and so do those of up to 256 colours; others get a palette of
 * their own each. A frame is shown 20 ms or longer, in steps of 10.
 *
 * @param options.scale repeats each pixel so often along either side
 * @throws {TypeError} if a number is none
 * @throws {RangeError} if the frames do not fit their extent, a side is longer than 65535, or a time is out of range
 */
export const encodeGif = (
  film: Animation,
  { delay = 100, hold = 2000, loops = 0, scale = 1 }: AnimationTiming & { scale?: number } = {},
): Uint8Array<ArrayBuffer> => {
  const delays = frameDelays(film, { delay, hold, loops });
  const { frames, channels } = film;
  const [height, width] = [film.height * scale, film.width * scale];
  if (Math.max(height, width) > LARGEST) {
    throw new RangeError(`height and width must be at most ${LARGEST} in a GIF, received ${height}×${width}`);
  }
  const gif = gifenc.GIFEncoder();
  for (const [i, frame] of frames.entries()) {
    const { palette, indices } = toPalette(frame, channels);
    const small = { data: new Uint8Array(indices), height: film.height, width: film.width, channels: 1 };
    const { data } = enlarge(small, { scale, resampler: "nearest" });
    gif.writeFrame(data, width, height, {
      // Gray frames share the first one's palette.
      palette: channels === 1 && i > 0 ? null : palette.map((colour) => [...colour]),
      delay: gifDelay(delays[i]),
      repeat: repeats(loops),
    });
  }
  gif.finish();
  return gif.bytes();
};
