import * as tf from "@tensorflow/tfjs-core";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js";
import { type CompiledFunction, type Compiler, refuseRead, withoutRandom } from "../compile.ts";
import type { Binding, TensorMetadata } from "./binding.ts";
import { type Attribute, ATTRIBUTE_KINDS } from "./eager.ts";
import { DATA_TYPES, type Values } from "./host_tensor.ts";

/** A type of `tf_datatype.h` that tfjs has no name for. */
const UINT64 = 23;

/** TensorFlow's number for Philox. */
const PHILOX = 1;

const typeAttribute = (name: string, value: number): Attribute => ({ name, type: ATTRIBUTE_KINDS.TF_ATTR_TYPE, value });

/**
 * Uniform numbers in [0, 1) by TensorFlow's Philox: element e is word e mod 4 of the counter plus ⌊e / 4⌋, its lowest 23
 * bits divided by 2²³.
 *
 * @param inputs.key id of an int32 [2], the lowest word first
 * @param inputs.counter id of an int32 [4], the lowest word first
 */
const philoxUniform = (
  binding: Binding,
  shape: readonly number[],
  { key, counter }: { key: number; counter: number },
): TensorMetadata => {
  const made: number[] = [];
  const track = (id: number) => (made.push(id), id);
  const integers = (values: readonly number[], shape: number[]) =>
    track(binding.createTensor(shape, DATA_TYPES.TF_INT32, Int32Array.from(values)));
  const run = (name: string, attributes: Attribute[], inputs: number[]) =>
    binding.executeOp(name, attributes, inputs, 1)[0];
  const asUint64 = (words: number, count: number) => {
    const pairs = run("Reshape", [
      typeAttribute("T", DATA_TYPES.TF_INT32),
      typeAttribute("Tshape", DATA_TYPES.TF_INT32),
    ], [
      words,
      integers([count, 2], [2]),
    ]);
    return track(
      run("Bitcast", [typeAttribute("T", DATA_TYPES.TF_INT32), typeAttribute("type", UINT64)], [track(pairs.id)]).id,
    );
  };
  try {
    return run(
      "StatelessRandomUniformV2",
      [typeAttribute("dtype", DATA_TYPES.TF_FLOAT), typeAttribute("Tshape", DATA_TYPES.TF_INT32)],
      [integers(shape, [shape.length]), asUint64(key, 1), asUint64(counter, 2), integers([PHILOX], [])],
    );
  } finally {
    made.forEach((id) => binding.deleteTensor(id));
  }
};

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
  /** Uploads those that are not yet, and returns the binding's ids. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
}

const NodeBackend = NodeJSKernelBackend as unknown as new (binding: Binding, packageName: string) => NodeBackend;

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
    this.#traced = new WeakSet();
    try {
      const record = (inputs: TensorMetadata[]) => {
        let outputs: number[] = [];
        tf.tidy(() => {
          outputs = this.getInputTensorIds(compute(inputs.map((input) => this.createOutputTensor(input))));
        });
        return outputs;
      };
      const traced = withoutRandom(() => this.#binding.trace(types, record, options));
      return {
        run: (inputs) =>
          this.#binding.call(traced, this.getInputTensorIds(inputs)).map((output) => this.createOutputTensor(output)),
        free: () => traced.free(),
      };
    } finally {
      this.#traced = null;
    }
  }

  /** Counter-based uniform numbers; see engine/random.ts. */
  uniform(shape: readonly number[], key: tf.Tensor1D, counter: tf.Tensor1D): tf.Tensor {
    const [keyId, counterId] = this.getInputTensorIds([key, counter]);
    return this.createOutputTensor(philoxUniform(this.#binding, shape, { key: keyId, counter: counterId }));
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
