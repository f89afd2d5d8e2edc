import { type Animation, type AnimationTiming, frameDelays } from "./animation.ts";
import { concatBytes } from "./concat_bytes.ts";
import { encodePng } from "./png.ts";
import { PNG_SIGNATURE, pngChunk, pngChunks } from "./png_chunks.ts";

/** Big-endian fields of a chunk, each a value and its size in bytes. */
const fields = (...values: readonly (readonly [value: number, bytes: 1 | 2 | 4])[]): Uint8Array<ArrayBuffer> => {
  const data = new Uint8Array(values.reduce((length, [, bytes]) => length + bytes, 0));
  const view = new DataView(data.buffer);
  let at = 0;
  for (const [value, bytes] of values) {
    if (bytes === 4) view.setUint32(at, value);
    else if (bytes === 2) view.setUint16(at, value);
    else view.setUint8(at, value);
    at += bytes;
  }
  return data;
};

/**
 * A film as an animated PNG (PNG, third edition, section 11.3.6): every pixel of every frame as it was. What knows no
 * animation shows the first frame.
 *
 * @throws {TypeError} if a number is none
 * @throws {RangeError} if the frames do not fit their extent or a time is out of range
 */
export const encodeApng = (
  film: Animation,
  { delay = 100, hold = 2000, loops = 0, level = 6 }: AnimationTiming & { level?: 0 | 1 | 3 | 6 | 9 } = {},
): Uint8Array<ArrayBuffer> => {
  const delays = frameDelays(film, { delay, hold, loops });
  const { frames, height, width, channels } = film;
  const file: Uint8Array[] = [PNG_SIGNATURE];
  let sequence = 0;
  for (const [i, frame] of frames.entries()) {
    const data = new Uint8Array(frame);
    const chunks = [...pngChunks(encodePng({ data, height, width, channels }, { level }))];
    if (i === 0) {
      file.push(pngChunk("IHDR", chunks[0].data), pngChunk("acTL", fields([frames.length, 4], [loops, 4])));
    }
    // The frame covers the picture, is shown `delay` thousandths of a second, and replaces what was there.
    const offset = [[0, 4], [0, 4]] as const;
    const show = [[delays[i], 2], [1000, 2], [0, 1], [0, 1]] as const;
    file.push(pngChunk("fcTL", fields([sequence++, 4], [width, 4], [height, 4], ...offset, ...show)));
    for (const { type, data } of chunks) {
      if (type !== "IDAT") continue;
      file.push(
        i === 0 ? pngChunk("IDAT", data) : pngChunk("fdAT", concatBytes([fields([sequence++, 4]), data])),
      );
    }
  }
  file.push(pngChunk("IEND", new Uint8Array(0)));
  return concatBytes(file);
};
