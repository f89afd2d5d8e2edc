import * as tf from "@tensorflow/tfjs-core";
import { compile, type Xla } from "../engine/mod.ts";
import { counterUniform } from "../engine/random.ts";
import { oneHot } from "../model/denoiser.ts";
import { createUNet, timestepEmbedding } from "../model/unet.ts";
import { sampleShape, type UNetConfig } from "../model/unet_config.ts";
import { Weights } from "../model/weights.ts";
import { averagePart, BASE_PARTS } from "./checkpoint_files.ts";
import { COEFFICIENTS, createCoefficients, factorsAt, lossesOf, lossFactors, noised, type Objective } from "./loss.ts";
import { dropoutSizes, maskCounter, type MicroBatch, philoxKey } from "./micro_batch.ts";
import { adam, type AdamScalars, adamScalars, clipScale, globalNorm } from "./optimizer.ts";
import type { TrainingState } from "./state.ts";

/** What became of images. */
export interface MicroBatchResult {
  /** Mean squared error of each image's prediction. */
  readonly squaredErrors: Float64Array;
  /** Term of the variational bound of each image, in bits per dimension; `null` where it is no part of the loss. */
  readonly bounds: Float64Array | null;
}

/** What a step measured, its images in the batch's order. */
export interface StepResult extends MicroBatchResult {
  /** Weighted mean of the images' losses. */
  readonly loss: number;
  /** Loss of each image, not weighted. */
  readonly losses: Float64Array;
  /** Norm of the whole gradient before clipping. */
  readonly gradientNorm: number;
}

/** A part of a batch, with what is drawn for the whole. */
export interface WeightedMicroBatch extends MicroBatch {
  readonly timesteps: Int32Array;
  /** Weight of each image's loss. */
  readonly weights: ArrayLike<number>;
}

/** How a step updates. */
export interface UpdateOptions {
  readonly learningRate: number;
  /** Largest norm of the gradient. */
  readonly clip: number;
}

/** What a training step is made for. */
export interface TrainStepOptions {
  readonly config: UNetConfig;
  readonly objective: Objective;
  /** Images a step, over all parts. */
  readonly batch: number;
  /** Decays of the weights' moving averages. */
  readonly rates: readonly number[];
  /** Decides the dropout's masks, together with the step. */
  readonly seed?: number;
  /** Whether XLA compiles it. */
  readonly xla?: Xla;
}

/** A function of (state, part) in two halves, which share what is summed between them. */
export interface TrainStep {
  /** Adds the gradients of a part that is not the last of its batch. */
  add(state: TrainingState, part: WeightedMicroBatch): MicroBatchResult;
  /** Adds the last part's and moves `state` on by one step; the tensors it replaces are freed. */
  finish(state: TrainingState, part: WeightedMicroBatch, options: UpdateOptions): MicroBatchResult;
  /** What became of the batch that was finished last. */
  readonly result: StepResult;
  /** Frees what was compiled, and the sums of a batch that was not finished. */
  dispose(): void;
}

type Tensors = Record<string, tf.Tensor>;

interface UploadedBatch {
  readonly images: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly timesteps: tf.Tensor2D;
  readonly classes: tf.Tensor2D | undefined;
  readonly coefficients: tf.Tensor2D;
  /** Dropout's masks; or the key and the counters that make them. */
  readonly masks: tf.Tensor[] | undefined;
  readonly key: tf.Tensor1D | undefined;
  readonly counters: tf.Tensor1D[] | undefined;
}

interface UpdateScalars extends AdamScalars<tf.Scalar> {
  readonly clip: tf.Scalar;
  /** Of each average its decay, and 1 − decay. */
  readonly decays: readonly (readonly [decay: tf.Scalar, rest: tf.Scalar])[];
}

/** Lets the layers drop a share of their elements, each by the next mask, and scales up the rest. */
const dropoutBy = ({ masks, key, counters }: UploadedBatch, rate: number) => {
  if (rate === 0) return undefined;
  let layer = 0;
  return (x: tf.Tensor4D): tf.Tensor4D => {
    const mask = masks
      ? tf.reshape(masks[layer], x.shape)
      : tf.greaterEqual(counterUniform(x.shape, key!, counters![layer]), Math.fround(rate));
    layer++;
    return tf.mul(x, tf.mul(tf.cast(mask, "float32"), 1 / (1 - rate)));
  };
};

/**
 * Makes the training step: Algorithm 1 (Ho et al. 2020), the gradient of the loss over a batch that may come in parts,
 * clipped to a norm, an Adam update, and the moving averages of the weights. Each part is one call of a compiled function,
 * the last one with the update.
 *
 * An average's decay starts low, at (1 + n) / (10 + n) after n steps, so that the first weights are soon forgotten.
 */
export const createTrainStep = (
  { config, objective, batch: batchSize, rates, seed = 0, xla = false }: TrainStepOptions,
): TrainStep => {
  const unet = createUNet(config);
  const classCount = config.num_class_embeds, width = config.block_out_channels[0];
  const shape = [...sampleShape(config), config.in_channels] as const;
  const embedding = { size: width, freqShift: config.freq_shift, flipSinToCos: config.flip_sin_to_cos };
  const sizes = dropoutSizes(config);
  const coefficientsOf = createCoefficients(objective);
  const averages = rates.map(averagePart);

  const gradientsOf = (weights: Tensors, batch: UploadedBatch, sums: Tensors | undefined) => {
    const names = Object.keys(weights);
    const { xt, target } = noised(batch.images, batch.noise, batch.coefficients);
    const losses = (...tensors: tf.Tensor[]) => {
      const named = new Weights(new Map(names.map((name, i) => [name, tensors[i]])));
      const inputs = { x: xt, timesteps: batch.timesteps, classes: batch.classes };
      const output = unet(inputs, named, { dropout: dropoutBy(batch, config.dropout) });
      return lossesOf(output, { ...batch, target }, objective);
    };
    // The gradient of the sum of the losses, each by its factor.
    const valueAndGrads = tf.valueAndGrads(losses as unknown as (...tensors: tf.Tensor[]) => tf.Scalar);
    const { value, grads } = valueAndGrads(
      Object.values(weights),
      lossFactors(batch.coefficients, objective) as unknown as tf.Scalar,
    );
    const summed = names.map((name, i) => [name, sums ? tf.add(sums[name], grads[i]) : grads[i]] as const);
    return { gradients: Object.fromEntries(summed) as Tensors, losses: value as tf.Tensor };
  };

  const accumulate = compile(gradientsOf, { xla });

  const update = compile(
    (parts: Record<string, Tensors>, batch: UploadedBatch, sums: Tensors | undefined, scalars: UpdateScalars) => {
      const { weights, firstMoments, secondMoments } = parts;
      const { gradients, losses } = gradientsOf(weights, batch, sums);
      const gradientNorm = globalNorm(Object.values(gradients));
      const scale = clipScale(gradientNorm, scalars.clip);
      const next = Object.keys(weights).map((name) => {
        const gradient = tf.mul(gradients[name], scale);
        const { weight, firstMoment, secondMoment } = adam(
          weights[name],
          gradient,
          firstMoments[name],
          secondMoments[name],
          scalars,
        );
        const averaged = averages.map((part, i) => {
          const [decay, rest] = scalars.decays[i];
          return tf.add(tf.mul(parts[part][name], decay), tf.mul(weight, rest));
        });
        return [weight, firstMoment, secondMoment, ...averaged];
      });
      return { next, losses, gradientNorm };
    },
    { xla },
  );

  // Of the batch that is under way.
  let done = 0;
  let sums: Tensors | undefined;
  const hasBound = objective.loss !== "simple";
  const emptyResult = () => ({
    loss: 0,
    losses: new Float64Array(batchSize),
    squaredErrors: new Float64Array(batchSize),
    bounds: hasBound ? new Float64Array(batchSize) : null,
    gradientNorm: 0,
  });
  let current = emptyResult(), result = current;

  const upload = (
    step: number,
    { images, noise, labels, masks, timesteps, weights }: WeightedMicroBatch,
  ): UploadedBatch => {
    const n = timesteps.length;
    const shares = Float64Array.from({ length: n }, (_, i) => weights[i] / batchSize);
    const isDrawn = config.dropout > 0 && !masks;
    return {
      images: tf.tensor4d(images, [n, ...shape]),
      noise: tf.tensor4d(noise, [n, ...shape]),
      timesteps: tf.tensor2d(timestepEmbedding(timesteps, embedding), [n, width]),
      classes: classCount === null ? undefined : tf.tensor2d(oneHot(labels!, classCount), [n, classCount]),
      coefficients: tf.tensor2d(coefficientsOf(timesteps, shares), [n, COEFFICIENTS]),
      masks: masks?.map((mask) => tf.tensor(mask, [mask.length], "bool")),
      key: isDrawn ? tf.tensor1d(philoxKey(seed), "int32") : undefined,
      counters: isDrawn
        ? sizes.map((size, layer) => tf.tensor1d(maskCounter({ step, layer, first: done * size }), "int32"))
        : undefined,
    };
  };

  /** Reads a part's losses off the engine, and frees them. */
  const collectLosses = (tensor: tf.Tensor, { timesteps, weights }: WeightedMicroBatch): MicroBatchResult => {
    const values = tensor.dataSync(), n = timesteps.length, from = done;
    tensor.dispose();
    const { losses, squaredErrors, bounds } = current;
    timesteps.forEach((t, i) => {
      const factors = factorsAt(objective, t);
      squaredErrors[from + i] = values[i];
      if (bounds) bounds[from + i] = values[n + i];
      losses[from + i] = factors.squaredError * values[i] + (bounds ? factors.bound * values[n + i] : 0);
      current.loss += weights[i] * losses[from + i] / batchSize;
    });
    done += n;
    return {
      squaredErrors: squaredErrors.subarray(from, done),
      bounds: bounds && bounds.subarray(from, done),
    };
  };

  const replaceSums = (next: Tensors | undefined): void => {
    if (sums) tf.dispose(Object.values(sums));
    sums = next;
  };

  return {
    add: (state, part) => {
      const weights = Object.fromEntries(state.tensors.get("weights")!);
      const { gradients, losses } = tf.tidy(() => accumulate(weights, upload(state.step, part), sums));
      replaceSums(gradients);
      return collectLosses(losses, part);
    },

    finish: (state, part, { learningRate, clip }) => {
      const step = state.step + 1;
      const names = [...state.tensors.get("weights")!.keys()];
      const { next, losses, gradientNorm } = tf.tidy(() => {
        const tensors = Array.from(state.tensors, ([name, part]) => [name, Object.fromEntries(part)] as const);
        // Tensors, not numbers: what is compiled must not depend on the step.
        const { rate, secondScale } = adamScalars({ learningRate, step });
        const decays = rates.map((rate) => Math.min(rate, step / (9 + step)));
        return update(Object.fromEntries(tensors), upload(state.step, part), sums, {
          rate: tf.scalar(rate),
          secondScale: tf.scalar(secondScale),
          clip: tf.scalar(clip),
          decays: decays.map((decay) => [tf.scalar(decay), tf.scalar(1 - decay)] as const),
        });
      });
      const microBatchResult = collectLosses(losses, part);
      current.gradientNorm = gradientNorm.dataSync()[0];
      gradientNorm.dispose();
      replaceSums(undefined);

      // Put the new tensors in the place of the old.
      for (const [k, part] of [...BASE_PARTS, ...averages].entries()) {
        const tensors = state.tensors.get(part)!;
        for (const [i, name] of names.entries()) {
          tensors.get(name)!.dispose();
          tensors.set(name, next[i][k]);
        }
      }
      state.step = step;
      result = current;
      current = emptyResult();
      done = 0;
      return microBatchResult;
    },

    get result() {
      return result;
    },

    dispose: () => {
      replaceSums(undefined);
      accumulate.dispose();
      update.dispose();
    },
  };
};
