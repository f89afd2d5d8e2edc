import { checkInteger, checkLength } from "./check.ts";
import { fillNormal, INITIAL_NOISE_STEP, noiseStepOf } from "./noise.ts";
import { applyRow, needsNoise, type Plan, type PlanRow } from "./plan.ts";

/** The shape of a batch of images: [n, H, W, C]. */
export type Shape = readonly [n: number, height: number, width: number, channels: number];

/**
 * Checks a shape and gives the number of elements of one image, H·W·C.
 *
 * @throws {TypeError} if a size is no number
 * @throws {RangeError} if there are not four of them, or one is no integer ≥ 1
 */
export const imageLength = (shape: Shape): number => {
  checkInteger("shape.length", shape.length, 4, 4);
  shape.forEach((size, i) => checkInteger(`shape[${i}]`, size, 1));
  return shape[1] * shape[2] * shape[3];
};

/**
 * Evaluates the network: `x` is n images of H·W·C, `timesteps` has one entry an image. Gives n·H·W·C values, or n·H·W·2C
 * where the variance is learned.
 */
export type Evaluate = (x: Float32Array, timesteps: Int32Array) => Float32Array | Promise<Float32Array>;

/** The state after one row. The arrays are reused: copy what is to be kept. */
export interface SampleStep {
  /** The row's index in the plan. */
  index: number;
  row: PlanRow;
  /** The images after the row. */
  x: Float32Array;
  /** The network's current idea of the final images. */
  x0: Float32Array;
}

/** What `sample` reads. */
export interface SampleOptions {
  plan: Plan;
  shape: Shape;
  evaluate: Evaluate;
  /** Picks the noise, in [0, 2⁵³). @default 0 */
  seed?: number;
  /** The index, within its request, of the first image; the next ones count on. @default 0 */
  sample?: number;
  /** x_T, n·H·W·C values, in the place of the seed's. It is not written to. */
  latents?: Float32Array;
  signal?: AbortSignal;
  onStep?: (step: SampleStep) => void | Promise<void>;
}

/** A view of image `i` of a batch of `n`. */
export const imageAt = (batch: Float32Array, n: number, i: number): Float32Array => {
  const length = batch.length / n;
  return batch.subarray(i * length, (i + 1) * length);
};

const images = (batch: Float32Array, n: number): Float32Array[] =>
  Array.from({ length: n }, (_, i) => imageAt(batch, n, i));

/**
 * Runs a plan on n images: the one loop for all samplers.
 *
 * x_T is the noise of `INITIAL_NOISE_STEP`, row i adds that of `noiseStepOf(i)`, and image k draws as sample `sample` + k; so an image depends
 * on the seed and its own index alone. Noise is drawn while the network works.
 *
 * @returns x_0, n·H·W·C values; clamped to [-1, 1] only in so far as the plan clips
 * @throws {TypeError} if an option is of the wrong kind
 * @throws {RangeError} if a length does not fit `shape`
 * @throws the signal's reason, at the next row after it aborts
 */
export const sample = async (
  { plan, shape, evaluate, seed = 0, sample = 0, latents, signal, onStep }: SampleOptions,
): Promise<Float32Array> => {
  const length = imageLength(shape);
  const [n, , , channels] = shape;
  if (latents !== undefined) checkLength("latents", latents, n * length);
  signal?.throwIfAborted();

  const x = new Float32Array(n * length);
  const x0 = new Float32Array(n * length);
  const z = new Float32Array(n * length);
  const [xs, x0s, zs] = [images(x, n), images(x0, n), images(z, n)];
  if (latents === undefined) {
    xs.forEach((image, k) => fillNormal(image, { seed, sample: sample + k, step: INITIAL_NOISE_STEP }));
  } else x.set(latents);

  for (const [index, row] of plan.rows.entries()) {
    const pending = evaluate(x, new Int32Array(n).fill(row.timestep));
    if (needsNoise(row)) {
      zs.forEach((image, k) => fillNormal(image, { seed, sample: sample + k, step: noiseStepOf(index) }));
    }
    const out = await pending;
    signal?.throwIfAborted();
    if (out.length !== n * length) checkLength("evaluate()", out, 2 * n * length);
    const outs = images(out, n);
    for (let k = 0; k < n; k++) applyRow(row, { x: xs[k], out: outs[k], x0: x0s[k], z: zs[k], channels });
    await onStep?.({ index, row, x, x0 });
    signal?.throwIfAborted();
  }
  return x;
};
