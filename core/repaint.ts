import { checkInteger, checkLength } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { fillNormal, INITIAL_NOISE_STEP, noiseStepOf } from "./noise.ts";
import { applyRow, type Plan, type PlanRow, type RowArrays } from "./plan.ts";
import { imageAt, imageLength, type SampleOptions } from "./sample.ts";

/**
 * One operation of inpainting, with the noise z of the operation.
 *
 * "row": applies row `index` of the plan to x, then puts `scale`·image + `sigma`·z in the place of the known pixels, which
 * is q(x_{t−1} | x_0), eq. 4 of Ho et al. 2020. "renoise": x' = `scale`·x + `sigma`·z, back to what row `index` starts
 * from, eq. 2.
 */
export interface RepaintOperation {
  readonly kind: "row" | "renoise";
  readonly index: number;
  readonly scale: number;
  readonly sigma: number;
}

/** How often and how far RePaint goes back. */
export interface Jumps {
  /** The number of rows of one jump, the paper's j. @default 10 */
  jumpLength?: number;
  /** The times that each stretch is sampled, the paper's r; 1 never goes back. @default 10 */
  jumpSamples?: number;
}

/**
 * Compiles the schedule of RePaint (Lugmayr et al. 2022, Algorithm 1 and figure 9): down through the plan's rows, with
 * `jumpSamples` − 1 returns by `jumpLength` rows from every `jumpLength`-th noise level, the lowest included.
 *
 * The known pixels get √(1 − ᾱ) as the standard deviation of their noise. Line 5 of Algorithm 1 prints the variance there.
 *
 * @param plan of "ddpm" or "ddim": the other samplers carry a history that a jump would break
 * @throws {TypeError} if a jump option is no number
 * @throws {RangeError} if one is no integer ≥ 1, or `plan` is of another sampler
 */
export const compileRepaint = (
  plan: Plan,
  diffusion: Diffusion,
  { jumpLength = 10, jumpSamples = 10 }: Jumps = {},
): RepaintOperation[] => {
  if (plan.sampler !== "ddpm" && plan.sampler !== "ddim") {
    throw new RangeError(`plan must be of the sampler ddpm or ddim, received ${plan.sampler}`);
  }
  checkInteger("jumpLength", jumpLength, 1);
  checkInteger("jumpSamples", jumpSamples, 1);
  const count = plan.rows.length;
  const alphaCumprod = (index: number) => index === count ? 1 : diffusion.alphasCumprod[plan.rows[index].timestep];
  const gaussian = (ratio: number) => ({ scale: Math.sqrt(ratio), sigma: Math.sqrt(1 - ratio) });
  // Jumps repeat them: each is made once.
  const downs = plan.rows.map((_, index): RepaintOperation => ({
    kind: "row",
    index,
    ...gaussian(alphaCumprod(index + 1)),
  }));
  const ups = plan.rows.map((_, index): RepaintOperation => ({
    kind: "renoise",
    index,
    ...gaussian(alphaCumprod(index) / alphaCumprod(index + 1)),
  }));

  const returns = new Map<number, number>();
  for (let level = 0; level < count - jumpLength; level += jumpLength) returns.set(level, jumpSamples - 1);
  const operations: RepaintOperation[] = [];
  // The level is the number of rows still to run.
  for (let level = count; level > 0;) {
    const index = count - level--;
    operations.push(downs[index]);
    const left = returns.get(level) ?? 0;
    if (left === 0) continue;
    returns.set(level, left - 1);
    for (let i = 0; i < jumpLength; i++) operations.push(ups[count - ++level]);
  }
  return operations;
};

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

/**
 * Checks a mask: one value in [0, 1] a pixel.
 *
 * @throws {TypeError} if it is no float array
 * @throws {RangeError} if its length is not `pixels`, or a value is NaN or outside
 */
export const checkMask = (mask: Float32Array, pixels: number): void => {
  checkLength("mask", mask, pixels);
  mask.forEach((value, i) => {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`mask[${i}] must be in [0, 1], received ${value}`);
  });
};

/** The arrays of one image at an operation of inpainting: those of `applyRow`, and what is known of the image. */
export interface RepaintArrays extends RowArrays {
  z: Float32Array;
  /** The image to complete, and its mask, as `RepaintOptions` has them. */
  image: Float32Array;
  mask: Float32Array;
  channels: number;
}

/**
 * Applies one operation to one image, in place.
 *
 * @param row the plan's row `operation.index`; null will do for "renoise", which reads neither it nor `out` and `x0`
 * @throws as `applyRow` does
 */
export const applyRepaint = (
  { kind, scale, sigma }: RepaintOperation,
  row: PlanRow | null,
  { x, out, x0, z, image, mask, channels }: RepaintArrays,
): void => {
  if (kind === "renoise") {
    for (let i = 0; i < x.length; i++) x[i] = scale * x[i] + sigma * z[i];
    return;
  }
  applyRow(row!, { x, out, x0, z, channels });
  for (let i = 0; i < x.length; i++) {
    const known = mask[Math.floor(i / channels)];
    x[i] = known * (scale * image[i] + sigma * z[i]) + (1 - known) * x[i];
  }
};

/**
 * Inpaints: completes the pixels of `image` that `mask` does not keep (RePaint, Lugmayr et al. 2022, Algorithm 1), with any
 * network that was trained without masks.
 *
 * x_T is the noise of `INITIAL_NOISE_STEP` and operation i draws that of `noiseStepOf(i)`, known and unknown pixels from the same draw.
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
  const part = (batch: Float32Array, k: number) => imageAt(batch, n, k);
  for (let k = 0; k < n; k++) fillNormal(part(x, k), { seed, sample: sample + k, step: INITIAL_NOISE_STEP });
  if (latents !== undefined) x.set(latents);

  for (const [index, operation] of operations.entries()) {
    const row = plan.rows[operation.index];
    const out = operation.kind === "row" ? await evaluate(x, new Int32Array(n).fill(row.timestep)) : x;
    if (out.length !== n * length) checkLength("evaluate()", out, 2 * n * length);
    for (let k = 0; k < n; k++) {
      fillNormal(z, { seed, sample: sample + k, step: noiseStepOf(index) });
      applyRepaint(operation, row, { x: part(x, k), out: part(out, k), x0: part(x0, k), z, image, mask, channels });
    }
    await onStep?.({ index, operations: operations.length, x, x0 });
    signal?.throwIfAborted();
  }
  return x;
};
