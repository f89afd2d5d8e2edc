import type { ByteImages } from "./pixels.ts";
import { type Line, resampleBytes } from "./resample.ts";

/** How pixels are made where there were none: each as it is, side by side, or smoothly, by Lanczos' kernel. */
export const RESAMPLERS = ["nearest", "lanczos"] as const;

/** How large images are shown. */
export interface Enlargement {
  /** Pixels along each side of what was one; an integer of at least 1. */
  readonly scale: number;
  readonly resampler: typeof RESAMPLERS[number];
}

/** Images as they are. */
export const AS_THEY_ARE: Enlargement = { scale: 1, resampler: "nearest" };

const repeatPixels = ({ data, width, channels }: ByteImages, scale: number): Uint8Array<ArrayBuffer> => {
  const line = width * channels;
  const out = new Uint8Array(data.length * scale * scale);
  for (let from = 0, to = 0; from < data.length; from += line) {
    const first = to;
    for (let pixel = from; pixel < from + line; pixel += channels) {
      for (let k = 0; k < scale; k++) {
        for (let c = 0; c < channels; c++) out[to++] = data[pixel + c];
      }
    }
    for (let k = 1; k < scale; k++, to += line * scale) out.copyWithin(to, first, first + line * scale);
  }
  return out;
};

const smoothly = (images: ByteImages, scale: number): Uint8Array<ArrayBuffer> => {
  const { data, height, width, channels } = images;
  const size = height * width * channels;
  const out = new Uint8Array(data.length * scale * scale);
  for (let i = 0; i < data.length / size; i++) {
    const read = (y: number, line: Line) => {
      const at = i * size + y * width * channels;
      line.set(data.subarray(at, at + width * channels));
    };
    const resampling = {
      across: { start: 0, length: width },
      down: { start: 0, length: height },
      height: height * scale,
      width: width * scale,
      kernel: "lanczos",
    } as const;
    out.set(resampleBytes({ height, width, channels, read }, resampling), i * size * scale * scale);
  }
  return out;
};

/**
 * Images `scale` times as high and as wide, each by itself, to the bytes of Pillow's `Image.resize`.
 *
 * @returns as many images; the very same ones where `scale` is 1
 */
export const enlarge = (images: ByteImages, { scale, resampler }: Enlargement): ByteImages => {
  if (scale === 1) return images;
  const data = resampler === "nearest" ? repeatPixels(images, scale) : smoothly(images, scale);
  return { data, height: images.height * scale, width: images.width * scale, channels: images.channels };
};
