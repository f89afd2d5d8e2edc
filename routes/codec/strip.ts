import type { Diffusion } from "../../core/diffusion.ts";
import { qSample } from "../../core/forward.ts";
import { fillNormal, INITIAL_NOISE_STEP } from "../../core/noise.ts";
import { toBytes } from "../../formats/pixels.ts";

/**
 * x_0 and its x_t ~ q(x_t | x_0), all with the noise that `img2img` with this seed gives its first image.
 *
 * @param start x_0, H·W·C values in [-1, 1]
 * @param options.timesteps each t, in [0, T − 1]
 * @returns the values of x_0 and of each x_t, and each image as bytes
 */
export const drawStrip = (
  start: Float32Array<ArrayBuffer>,
  diffusion: Diffusion,
  { timesteps, seed }: { timesteps: readonly number[]; seed: number },
): { values: Float32Array<ArrayBuffer>; frames: Uint8Array<ArrayBuffer>[] } => {
  const noise = fillNormal(new Float32Array(start.length), { seed, sample: 0, step: INITIAL_NOISE_STEP });
  const images = [start, ...timesteps.map((t) => qSample(diffusion, start, t, noise))];
  const values = new Float32Array(images.length * start.length);
  images.forEach((image, i) => values.set(image, i * start.length));
  return { values, frames: images.map((image) => toBytes(image)) };
};
