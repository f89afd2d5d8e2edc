import { checkLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { fillNormal } from "./noise.ts";
import { applyRow } from "./plan.ts";
import { compileRepaint, type Jumps } from "./repaint_schedule.ts";
import type { SampleOptions } from "./sample.ts";
import { imageLength } from "./shape.ts";

/** What `repaint` reads. */
export interface RepaintOptions extends Omit<SampleOptions, "onStep">, Jumps {
  diffusion: Diffusion;
  /** The image to complete, H·W·C values in [-1, 1]; shared by all n. */
  image: Float32Array;
  /** H·W values in [0, 1], one a pixel: 1 keeps the image's, 0 makes a new one. */
  mask: Float32Array;
  /** Called after each operation, `index` of `operations`. The arrays are reused: copy what is to be kept. */
  onStep?: (
    step: { index: number; operations: number; x: Float32Array; x0: Float32Array },
  ) => void | Promise<void>;
}

const checkMask = (mask: Float32Array, pixels: number): void => {
  checkLength("mask", mask, pixels);
  mask.forEach((value, i) => {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`mask[${i}] must be in [0, 1], received ${value}`);
  });
};

/**
 * Inpaints: completes the pixels of `image` that `mask` does not keep (RePaint, Lugmayr et al. 2022, Algorithm 1), with any
 * network that was trained without masks.
 *
 * x_T is the noise of step 0 and operation i draws that of step i + 1, known and unknown pixels from the same draw.
 *
 * @returns n completed images, n·H·W·C values
 * @throws {TypeError} if an option is of the wrong kind
 * @throws {RangeError} if one is out of range or a length does not fit `shape`
 * @throws the signal's reason, at the next operation after it aborts
 */
export const repaint = async (
  {
    plan,
    diffusion,
    shape,
    evaluate,
    image,
    mask,
    jumpLength,
    jumpSamples,
    seed = 0,
    sample = 0,
    latents,
    signal,
    onStep,
  }: RepaintOptions,
): Promise<Float32Array> => {
  const length = imageLength(shape);
  const [n, height, width, channels] = shape;
  checkLength("image", image, length);
  checkMask(mask, height * width);
  if (latents !== undefined) checkLength("latents", latents, n * length);
  const operations = compileRepaint(plan, diffusion, { jumpLength, jumpSamples });
  signal?.throwIfAborted();

  const x = new Float32Array(n * length);
  const x0 = new Float32Array(n * length);
  const z = new Float32Array(length);
  const part = (batch: Float32Array, k: number) => {
    const size = batch.length / n;
    return batch.subarray(k * size, (k + 1) * size);
  };
  for (let k = 0; k < n; k++) fillNormal(part(x, k), { seed, sample: sample + k, step: 0 });
  if (latents !== undefined) x.set(latents);

  for (const [index, { kind, index: rowIndex, scale, sigma }] of operations.entries()) {
    const row = plan.rows[rowIndex];
    const out = kind === "row" ? await evaluate(x, new Int32Array(n).fill(row.timestep)) : x;
    if (out.length !== n * length) checkLength("evaluate()", out, 2 * n * length);
    for (let k = 0; k < n; k++) {
      const target = part(x, k);
      fillNormal(z, { seed, sample: sample + k, step: index + 1 });
      if (kind === "renoise") {
        for (let i = 0; i < length; i++) target[i] = scale * target[i] + sigma * z[i];
        continue;
      }
      applyRow(row, { x: target, out: part(out, k), x0: part(x0, k), z, channels });
      for (let i = 0; i < length; i++) {
        const keep = mask[Math.floor(i / channels)];
        target[i] = keep * (scale * image[i] + sigma * z[i]) + (1 - keep) * target[i];
      }
    }
    await onStep?.({ index, operations: operations.length, x, x0 });
    signal?.throwIfAborted();
  }
  return x;
};
