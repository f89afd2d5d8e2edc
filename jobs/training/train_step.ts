import * as tf from "@tensorflow/tfjs-core";
import { compile, type Xla } from "../../engine/mod.ts";
import type { UNetConfig } from "../../model/config.ts";
import { oneHot } from "../../model/denoiser.ts";
import { timestepEmbedding } from "../../model/timestep_embedding.ts";
import { createUNet, type UNetInputs } from "../../model/unet.ts";
import { Weights } from "../../model/weights.ts";
import { adam, type AdamScalars, adamScalars } from "./adam.ts";
import { clipScale, globalNorm } from "./clip.ts";
import type { Examples } from "./example.ts";
import { averagePart, statePartsOf, type TrainingState } from "./state.ts";

/** What a step tells of itself. */
export interface StepResult {
  /** Weighted mean squared error over the batch. */
  readonly loss: number;
  /** Norm of the whole gradient before clipping. */
  readonly gradientNorm: number;
}

/** How a step updates. */
export interface StepOptions {
  readonly learningRate: number;
  /** Largest norm of the gradient. */
  readonly clip: number;
  /** Decay of the weights' moving average. */
  readonly ema: number;
}

/** A state's tensors, by the parameters' names. */
type Parts = Record<"weights" | "firstMoments" | "secondMoments" | "average", Record<string, tf.Tensor>>;

interface Batch {
  readonly inputs: UNetInputs;
  readonly target: tf.Tensor4D;
  /** Each image's weight in the loss, divided by the number of elements. */
  readonly perElement: tf.Tensor4D;
}

interface Scalars extends AdamScalars<tf.Scalar> {
  readonly clip: tf.Scalar;
  /** Decay of the moving average, and 1 − decay. */
  readonly decay: tf.Scalar;
  readonly rest: tf.Scalar;
}

/**
 * Makes the training step: line 5 of Algorithm 1 (Ho et al. 2020), the gradient of the weighted squared error, clipped
 * to a norm, an Adam update, and the moving average of the weights.
 *
 * The average's decay starts low, at (1 + n) / (10 + n) after n steps, so that the first weights are soon forgotten.
 *
 * @param options.xla whether XLA compiles it
 * @returns a function that moves `state` on by one step; the tensors it replaces are freed
 */
export const createTrainStep = (config: UNetConfig, { xla = false }: { xla?: Xla } = {}) => {
  const unet = createUNet(config);
  const classCount = config.num_class_embeds;
  const size = config.block_out_channels[0];
  const embedding = { size, freqShift: config.freq_shift, flipSinToCos: config.flip_sin_to_cos };

  const update = compile(({ weights, firstMoments, secondMoments, average }: Parts, batch: Batch, scalars: Scalars) => {
    const names = Object.keys(weights);
    const lossOf = (...tensors: tf.Tensor[]) => {
      const out = unet(batch.inputs, new Weights(new Map(names.map((name, i) => [name, tensors[i]]))));
      return tf.sum(tf.mul(tf.square(tf.sub(out, batch.target)), batch.perElement)) as tf.Scalar;
    };
    const { value: loss, grads: gradients } = tf.valueAndGrads(lossOf)(Object.values(weights));
    const gradientNorm = globalNorm(gradients);
    const scale = clipScale(gradientNorm, scalars.clip);

    const next = names.map((name, i) => {
      const gradient = tf.mul(gradients[i], scale);
      const updated = adam(weights[name], gradient, firstMoments[name], secondMoments[name], scalars);
      const kept = tf.add(tf.mul(average[name], scalars.decay), tf.mul(updated.weight, scalars.rest));
      return [updated.weight, updated.firstMoment, updated.secondMoment, kept];
    });
    return { next, loss, gradientNorm };
  }, { xla });

  const step = (
    state: TrainingState,
    { xt, timesteps, target, weights: lossWeights, labels }: Examples,
    shape: readonly [height: number, width: number, channels: number],
    { learningRate, clip, ema }: StepOptions,
  ): StepResult => {
    const n = timesteps.length;
    const step = state.step + 1;
    const decay = Math.min(ema, step / (9 + step));

    const { next, loss, gradientNorm } = tf.tidy(() => {
      const part = (name: string) => Object.fromEntries(state.tensors.get(name)!);
      const parts = {
        weights: part("weights"),
        firstMoments: part("firstMoments"),
        secondMoments: part("secondMoments"),
        average: part(averagePart(ema)),
      };
      const inputs = {
        x: tf.tensor4d(xt, [n, ...shape]),
        timesteps: tf.tensor2d(timestepEmbedding(timesteps, embedding), [n, size]),
        classes: labels && classCount !== null ? tf.tensor2d(oneHot(labels, classCount), [n, classCount]) : undefined,
      };
      const batch = {
        inputs,
        target: tf.tensor4d(target, [n, ...shape]),
        perElement: tf.tensor4d(lossWeights.map((w) => w / target.length), [n, 1, 1, 1]),
      };
      // Tensors, not numbers: what is compiled must not depend on the step.
      const { rate, secondScale } = adamScalars({ learningRate, step });
      const scalars = {
        rate: tf.scalar(rate),
        secondScale: tf.scalar(secondScale),
        clip: tf.scalar(clip),
        decay: tf.scalar(decay),
        rest: tf.scalar(1 - decay),
      };
      return update(parts, batch, scalars);
    });

    const names = [...state.tensors.get("weights")!.keys()];
    for (const [part, key] of statePartsOf([ema]).entries()) {
      const tensors = state.tensors.get(key)!;
      for (const [i, name] of names.entries()) {
        tensors.get(name)!.dispose();
        tensors.set(name, next[i][part]);
      }
    }
    state.step = step;
    const result = { loss: loss.dataSync()[0], gradientNorm: gradientNorm.dataSync()[0] };
    tf.dispose([loss, gradientNorm]);
    return result;
  };

  return Object.assign(step, {
    /** Frees what was compiled. */
    dispose: () => update.dispose(),
  });
};
