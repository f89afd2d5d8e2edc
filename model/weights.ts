import * as tf from "@tensorflow/tfjs-core";
import { ModelError } from "./error.ts";

/**
 * A network's parameters on the engine, by diffusers' names, in the engine's layout: convolutions are HWIO, linear
 * layers [in, out].
 */
export class Weights {
  readonly #tensors: ReadonlyMap<string, tf.Tensor>;

  constructor(tensors: ReadonlyMap<string, tf.Tensor>) {
    this.#tensors = tensors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @throws {ModelError} if the model has no parameter of that name */
  get<R extends tf.Rank>(name: string): tf.Tensor<R> {
    const found = this.#tensors.get(name);
    if (!found) throw new ModelError(`Cannot run this U-Net: it has no parameter ${name}`);
    return found as tf.Tensor<R>;
  }

  /** Frees every tensor. */
  dispose(): void {
    for (const t of this.#tensors.values()) t.dispose();
  }
}
