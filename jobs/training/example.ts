import { type Diffusion, fillNormal, type Prediction, qSample, trainingTarget, uniform } from "../../core/mod.ts";
import { batch } from "../data/batch.ts";
import type { Dataset } from "../data/dataset.ts";

/** Domains of the draws of training, apart from sampling's 0. */
const NOISE_DOMAIN = 0x7a01, TIMESTEP_DOMAIN = 0x7a02, LABEL_DOMAIN = 0x7a03;

/** What one training step looks at: n images on their way to noise. Images are flat NHWC. */
export interface Examples {
  /** x_t. */
  readonly xt: Float32Array<ArrayBuffer>;
  readonly timesteps: Int32Array<ArrayBuffer>;
  /** What the network is to say. */
  readonly target: Float32Array<ArrayBuffer>;
  /** Weight of each image's loss. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Class of each image, the null class where it was dropped; `null` without classes. */
  readonly labels: Int32Array<ArrayBuffer> | null;
}

/** How images become examples. */
export interface ExampleOptions {
  readonly diffusion: Diffusion;
  readonly prediction: Prediction;
  /** Weight of each timestep's loss. */
  readonly lossWeights: Float64Array;
  readonly labelDropout: number;
  readonly nullLabel: number | null;
  readonly seed: number;
}

/**
 * Lines 2 to 4 of Algorithm 1 (Ho et al. 2020) for the images at `indices`: x_0 from the data, t uniform, ε normal,
 * x_t by the closed form. A function of (seed, step) alone, so that training resumes exactly.
 */
export const makeExamples = (
  dataset: Dataset,
  indices: Uint32Array,
  step: number,
  { diffusion, prediction, lossWeights, labelDropout, nullLabel, seed }: ExampleOptions,
): Examples => {
  const { images, labels } = batch(dataset, indices);
  const n = indices.length, size = images.length / n;
  const xt = new Float32Array(images.length), target = new Float32Array(images.length);
  const timesteps = new Int32Array(n), weights = new Float32Array(n);
  const noise = new Float32Array(size);
  for (let i = 0; i < n; i++) {
    const image = images.subarray(i * size, (i + 1) * size);
    const t = Math.floor(uniform(seed, i, step, 0, TIMESTEP_DOMAIN) * diffusion.timesteps);
    fillNormal(noise, { seed, sample: i, step, domain: NOISE_DOMAIN });
    qSample(diffusion, image, t, noise, xt.subarray(i * size, (i + 1) * size));
    target.set(trainingTarget(diffusion, prediction, image, t, noise), i * size);
    timesteps[i] = t;
    weights[i] = lossWeights[t];
    if (labels && nullLabel !== null && uniform(seed, i, step, 0, LABEL_DOMAIN) < labelDropout) labels[i] = nullLabel;
  }
  return { xt, timesteps, target, weights, labels };
};
