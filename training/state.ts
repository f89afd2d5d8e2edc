import * as tf from "@tensorflow/tfjs-core";
import type { StoredTensor } from "../model/safetensors.ts";
import { toStoredLayout, uploadWeights } from "../model/weights.ts";
import { averagePart, type StoredState } from "./checkpoint_files.ts";

/** All that a training step changes, on the engine. Whatever else decides a step is a function of (seed, step). */
export interface TrainingState {
  /** Steps done. */
  step: number;
  /** Each part's tensors by the parameters' names; the parts are those of `statePartsOf`. */
  readonly tensors: ReadonlyMap<string, Map<string, tf.Tensor>>;
  /** What later steps depend on beside tensors, by name: an importance sampler's history of losses, say. */
  numbers: Record<string, Float64Array>;
}

/** The state before the first step: moments zero, the averages of these decays at the weights. */
export const initialState = (
  weights: ReadonlyMap<string, StoredTensor>,
  { rates }: { rates: readonly number[] },
): TrainingState => {
  const uploaded = uploadWeights(weights);
  const each = (make: (tensor: tf.Tensor) => tf.Tensor) =>
    new Map(Array.from(uploaded, ([name, tensor]) => [name, make(tensor)]));
  return {
    step: 0,
    tensors: new Map([
      ["weights", uploaded],
      ["firstMoments", each((t) => tf.zerosLike(t))],
      ["secondMoments", each((t) => tf.zerosLike(t))],
      ...rates.map((rate) => [averagePart(rate), each((t) => tf.clone(t))] as const),
    ]),
    numbers: {},
  };
};

const mapParts = <A, B>(parts: ReadonlyMap<string, A>, change: (part: A) => B): Map<string, B> =>
  new Map(Array.from(parts, ([name, part]) => [name, change(part)]));

const copyNumbers = (numbers: Readonly<Record<string, Float64Array>>): Record<string, Float64Array> =>
  Object.fromEntries(Object.entries(numbers).map(([name, values]) => [name, values.slice()]));

/** Puts a stored state on the engine. */
export const uploadState = ({ step, tensors, numbers }: StoredState): TrainingState => ({
  step,
  tensors: mapParts(tensors, uploadWeights),
  numbers: copyNumbers(numbers),
});

/** Reads tensors off the engine, into diffusers' layout. */
export const downloadTensors = (tensors: ReadonlyMap<string, tf.Tensor>): Map<string, StoredTensor> =>
  new Map(
    Array.from(tensors, ([name, tensor]) => {
      const data = tensor.dataSync() as Float32Array<ArrayBuffer>;
      const stored = toStoredLayout(name, { shape: tensor.shape, data });
      // The engine may change its own copy.
      return [name, stored.data === data ? { ...stored, data: data.slice() } : stored];
    }),
  );

/** Reads a state off the engine. */
export const downloadState = ({ step, tensors, numbers }: TrainingState): StoredState => ({
  step,
  tensors: mapParts(tensors, downloadTensors),
  numbers: copyNumbers(numbers),
});

/** Frees a state's tensors. */
export const disposeState = ({ tensors }: TrainingState): void => {
  for (const part of tensors.values()) tf.dispose([...part.values()]);
};
