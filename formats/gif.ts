import gifenc from "gifenc";
import { type Film, type FilmTiming, frameDelays } from "./film.ts";
import { toPalette } from "./palette.ts";

const LARGEST = 65_535;

/** Times of GIF are in hundredths of a second, and browsers show what is shorter than two as ten. */
const gifDelay = (milliseconds: number): number => Math.max(20, Math.round(milliseconds / 10) * 10);

/** GIF counts how often a film is repeated after it was shown; without that extension it is shown once. */
const repeats = (loops: number): number => loops === 0 ? 0 : loops === 1 ? -1 : loops - 1;

/**
 * A film as an animated GIF. Gray frames keep every pixel, and so do those of up to 256 colours; others get a palette of
 * their own each. A frame is shown 20 ms or longer, in steps of 10.
 *
 * @throws {TypeError} if a number is none
 * @throws {RangeError} if the frames do not fit their extent, a side is longer than 65535, or a time is out of range
 */
export const encodeGif = (
  film: Film,
  { delay = 100, hold = 2000, loops = 0 }: FilmTiming = {},
): Uint8Array<ArrayBuffer> => {
  const delays = frameDelays(film, { delay, hold, loops });
  const { frames, height, width, channels } = film;
  if (Math.max(height, width) > LARGEST) {
    throw new RangeError(`height and width must be at most ${LARGEST} in a GIF, received ${height}×${width}`);
  }
  const gif = gifenc.GIFEncoder();
  for (const [i, frame] of frames.entries()) {
    const { palette, indices } = toPalette(frame, channels);
    gif.writeFrame(indices, width, height, {
      // Gray frames share the first one's palette.
      palette: channels === 1 && i > 0 ? null : palette.map((colour) => [...colour]),
      delay: gifDelay(delays[i]),
      repeat: repeats(loops),
    });
  }
  gif.finish();
  return gif.bytes();
};
