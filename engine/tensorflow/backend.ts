import * as tf from "@tensorflow/tfjs-core";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import type { CompiledFunction, Compiler } from "../compile.ts";
import type { Binding, TensorMetadata } from "./binding.ts";
import type { Values } from "./host_tensor.ts";
import { uniform } from "./uniform.ts";

/** What the backend keeps of a tensor: `values` until it is uploaded, then `id`. */
interface TensorData {
  shape: number[];
  dtype: number;
  values: Values | null;
  id: number;
}

/** tfjs-node's backend as it is; its declaration hides what its kernels use. */
interface NodeBackend extends tf.KernelBackend {
  readonly tensorMap: tf.DataStorage<TensorData>;
  move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType, refCount: number): void;
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  /** Uploads those that are not yet, and tells the binding's ids. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
}

const NodeBackend = NodeJSKernelBackend as unknown as new (binding: Binding, packageName: string) => NodeBackend;

const refuseRead = (): never => {
  throw new Error("Cannot read a tensor's values in a function that is being compiled");
};

const refuseRandom = (): never => {
  throw new Error("Cannot compile random numbers: each call would use the same; make them outside, and pass them in");
};

/** tfjs-node's backend, with functions that are compiled. */
export class TensorflowBackend extends NodeBackend implements Compiler {
  readonly #binding: Binding;
  /** The tensors made since the trace began; `null` outside one. */
  #traced: WeakSet<object> | null = null;

  constructor(binding: Binding) {
    super(binding, "@tensorflow/tfjs-node-gpu");
    this.#binding = binding;
  }

  get isTracing(): boolean {
    return this.#traced !== null;
  }

  compileFunction(
    compute: (inputs: tf.Tensor[]) => tf.Tensor[],
    examples: readonly tf.Tensor[],
    options: { xla: boolean },
  ): CompiledFunction {
    this.getInputTensorIds(examples);
    const types = examples.map(({ dataId, shape }) => ({ shape, dtype: this.tensorMap.get(dataId).dtype }));
    const random = Math.random;
    this.#traced = new WeakSet();
    Math.random = refuseRandom;
    try {
      const traced = this.#binding.trace(types, (inputs) => {
        let outputs: number[] = [];
        tf.tidy(() => {
          outputs = this.getInputTensorIds(compute(inputs.map((input) => this.createOutputTensor(input))));
        });
        return outputs;
      }, options);
      return {
        run: (inputs) =>
          this.#binding.call(traced, this.getInputTensorIds(inputs)).map((output) => this.createOutputTensor(output)),
        free: () => traced.free(),
      };
    } finally {
      Math.random = random;
      this.#traced = null;
    }
  }

  /** Counter-based uniform numbers; see engine/uniform.ts. */
  uniform(shape: readonly number[], key: tf.Tensor1D, counter: tf.Tensor1D): tf.Tensor {
    const [keyId, counterId] = this.getInputTensorIds([key, counter]);
    return this.createOutputTensor(uniform(this.#binding, shape, { key: keyId, counter: counterId }));
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType, refCount: number): void {
    this.#traced?.add(dataId);
    super.move(dataId, values, shape, dtype, refCount);
  }

  override readSync(dataId: object): tf.BackendValues {
    if (this.#traced && !(this.#traced.has(dataId) && this.tensorMap.get(dataId).values !== null)) refuseRead();
    return super.readSync(dataId);
  }

  /** A tensor from outside that is not yet uploaded must not become a constant of the trace that uses it first. */
  override getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[] {
    if (this.#traced) {
      for (const { dataId } of tensors) {
        if (!dataId || this.#traced.has(dataId)) continue;
        const data = this.tensorMap.get(dataId);
        if (data.values === null) continue;
        data.id = this.#binding.createOutside(data.shape, data.dtype, data.values);
        data.values = null;
      }
    }
    return super.getInputTensorIds(tensors);
  }
}
