import * as tf from "@tensorflow/tfjs-core";
import { uploadWeights } from "../../model/denoiser.ts";
import { toStoredLayout } from "../../model/layout.ts";
import type { StoredTensor } from "../../model/safetensors.ts";

/** All that a training step changes, on the engine, by the parameters' names. */
export interface TrainingState {
  /** Steps done. */
  step: number;
  weights: Map<string, tf.Tensor>;
  /** Adam's first moments. */
  firstMoments: Map<string, tf.Tensor>;
  /** Adam's second moments. */
  secondMoments: Map<string, tf.Tensor>;
  /** Moving average of the weights. */
  average: Map<string, tf.Tensor>;
}

/** The parts of a state that are tensors. */
export const STATE_PARTS = ["weights", "firstMoments", "secondMoments", "average"] as const;

/** A state as it is written down: its tensors in diffusers' layout. */
export interface StoredState {
  readonly step: number;
  readonly tensors: Record<typeof STATE_PARTS[number], ReadonlyMap<string, StoredTensor>>;
}

/** The state before the first step: moments zero, the average at the weights. */
export const initialState = (weights: ReadonlyMap<string, StoredTensor>): TrainingState => {
  const uploaded = uploadWeights(weights);
  const each = (make: (tensor: tf.Tensor) => tf.Tensor) =>
    new Map(Array.from(uploaded, ([name, tensor]) => [name, make(tensor)]));
  return {
    step: 0,
    weights: uploaded,
    firstMoments: each((t) => tf.zerosLike(t)),
    secondMoments: each((t) => tf.zerosLike(t)),
    average: each((t) => tf.clone(t)),
  };
};

/** Puts a stored state on the engine. */
export const uploadState = ({ step, tensors }: StoredState): TrainingState => ({
  step,
  weights: uploadWeights(tensors.weights),
  firstMoments: uploadWeights(tensors.firstMoments),
  secondMoments: uploadWeights(tensors.secondMoments),
  average: uploadWeights(tensors.average),
});

/** Reads tensors off the engine, into diffusers' layout. */
export const downloadTensors = (tensors: ReadonlyMap<string, tf.Tensor>): Map<string, StoredTensor> =>
  new Map(
    Array.from(tensors, ([name, tensor]) => {
      const data = tensor.dataSync().slice() as Float32Array<ArrayBuffer>;
      return [name, toStoredLayout(name, { shape: tensor.shape, data })];
    }),
  );

/** Reads a state off the engine. */
export const downloadState = (state: TrainingState): StoredState => ({
  step: state.step,
  tensors: {
    weights: downloadTensors(state.weights),
    firstMoments: downloadTensors(state.firstMoments),
    secondMoments: downloadTensors(state.secondMoments),
    average: downloadTensors(state.average),
  },
});

/** Frees a state's tensors. */
export const disposeState = (state: TrainingState): void => {
  for (const part of STATE_PARTS) tf.dispose([...state[part].values()]);
};
