import type { ImageShape } from "./pixels.ts";

/** Pictures of one extent that follow each other. */
export interface Animation extends ImageShape {
  /** 8-bit pixels, H·W·C a frame; one frame or more. */
  readonly frames: readonly Uint8Array[];
}

/** How a film is shown. */
export interface AnimationTiming {
  /** Milliseconds that each frame but the last is shown. */
  delay?: number;
  /** Milliseconds that the last frame is shown. */
  hold?: number;
  /** How often the film is shown; 0 is for ever. */
  loops?: number;
}

/** The longest that a frame may be shown, in milliseconds. */
const LONGEST = 65_535;

/**
 * Milliseconds that each frame of a film is shown.
 *
 * @throws {TypeError} if a number is none
 * @throws {RangeError} if there is no frame, one does not fill the extent, channels are neither 1 nor 3, or a time or
 * `loops` is no integer in [0, 65535]
 */
export const frameDelays = (
  { frames, height, width, channels }: Animation,
  { delay, hold, loops }: Required<AnimationTiming>,
): readonly number[] => {
  if (frames.length === 0) throw new RangeError("frames must hold one frame or more, received none");
  if (channels !== 1 && channels !== 3) throw new RangeError(`channels must be 1 or 3, received ${channels}`);
  frames.forEach(({ length }, i) => {
    if (length === height * width * channels) return;
    throw new RangeError(`frames[${i}] must have ${height}×${width}×${channels} bytes, received ${length}`);
  });
  for (const [name, value] of Object.entries({ delay, hold, loops })) {
    if (typeof value !== "number") throw new TypeError(`${name} must be a number, received ${value}`);
    if (!(Number.isInteger(value) && value >= 0 && value <= LONGEST)) {
      throw new RangeError(`${name} must be an integer in [0, ${LONGEST}], received ${value}`);
    }
  }
  return frames.map((_, i) => i === frames.length - 1 ? hold : delay);
};
