import type { Context } from "./context.ts";
import {
  type Attribute,
  ATTRIBUTE_KINDS,
  deleteHandle,
  downloadTensor,
  executeOperation,
  tensorType,
  uploadTensor,
} from "./eager.ts";
import { DATA_TYPES, type Values } from "./host_tensor.ts";
import { type TensorFunction, Trace } from "./trace.ts";

/** A tensor as tfjs-node's kernels know it. */
export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

const unsupported = (what: string) => (): never => {
  throw new Error(`Cannot ${what}: this engine has no part in TensorFlow's own file formats`);
};

/**
 * The native interface of tfjs-node (`TFJSBinding` in its `tfjs_binding.d.ts`), over TensorFlow's C API.
 *
 * A tensor is an id. Ids are never used twice, so one that outlives its tensor, or its trace, is never taken for
 * another.
 */
export class Binding {
  readonly TensorMetadata = class {};
  readonly TFEOpAttr = class {};
  readonly TF_Version: string;
  readonly #context: Context;
  readonly #gpu: string | null;
  readonly #handles = new Map<number, Deno.PointerValue>();
  #ids = 0;
  #trace: Trace | null = null;

  static {
    Object.assign(this.prototype, DATA_TYPES, ATTRIBUTE_KINDS, { TF_ATTR_RESOURCE: 9 });
  }

  constructor(context: Context, version: string) {
    this.#context = context;
    this.#gpu = context.devices.find(({ kind }) => kind === "GPU")?.name ?? null;
    this.TF_Version = version;
  }

  readonly loadSavedModel = unsupported("load a SavedModel");
  readonly deleteSavedModel = unsupported("delete a SavedModel");
  readonly runSavedModel = unsupported("run a SavedModel");
  readonly getNumOfSavedModels = (): number => 0;

  isUsingGpuDevice(): boolean {
    return this.#gpu !== null;
  }

  getNumOfTensors(): number {
    return this.#handles.size;
  }

  createTensor(shape: number[], dtype: number, values: Values): number {
    const id = this.#ids++;
    if (this.#trace) this.#trace.constant(id, { shape, dtype, values });
    else this.#handles.set(id, uploadTensor(this.#context, { shape, dtype, values }, this.#gpu));
    return id;
  }

  deleteTensor(id: number): void {
    const handle = this.#handles.get(id);
    // The tensors of a trace are its graph's.
    if (handle === undefined) return;
    this.#handles.delete(id);
    deleteHandle(this.#context, handle);
  }

  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array {
    if (this.#trace) throw new Error("Cannot read a tensor's values in a function that is being compiled");
    return downloadTensor(this.#context, this.#handle(id)) as Float32Array;
  }

  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): TensorMetadata[] {
    const trace = this.#trace;
    if (trace) {
      const nodes = inputs.map((id) => trace.node(id, () => this.#handle(id)));
      return trace.operation(name, attributes, nodes, () => this.#ids++);
    }
    return executeOperation(this.#context, name, attributes, inputs.map((id) => this.#handle(id)), outputs)
      .map((handle) => this.#register(handle));
  }

  /** Uploads a tensor that a trace uses and that was there before it. */
  createOutside(shape: number[], dtype: number, values: Values): number {
    const id = this.#ids++;
    this.#handles.set(id, uploadTensor(this.#context, { shape, dtype, values }, this.#gpu));
    return id;
  }

  /**
   * Records what `compute` runs, and makes a function of it.
   *
   * @param compute takes the ids that stand for the inputs, and returns those of the outputs
   */
  trace(
    types: readonly Omit<TensorMetadata, "id">[],
    compute: (inputs: TensorMetadata[]) => number[],
    options: { xla: boolean },
  ): TensorFunction {
    const trace = this.#trace = new Trace(this.#context);
    try {
      const inputs = types.map(({ shape, dtype }) => ({ id: this.#ids++, shape: [...shape], dtype }));
      for (const input of inputs) trace.input(input.id, input);
      const outputs = compute(inputs).map((id) => trace.node(id, () => this.#handle(id)));
      return trace.toFunction(inputs.map(({ id }) => id), outputs, options);
    } catch (error) {
      trace.abandon();
      throw error;
    } finally {
      this.#trace = null;
    }
  }

  /** Runs a traced function. */
  call({ run }: TensorFunction, inputs: readonly number[]): TensorMetadata[] {
    return run(inputs.map((id) => this.#handle(id))).map((handle) => this.#register(handle));
  }

  #register(handle: Deno.PointerValue): TensorMetadata {
    const id = this.#ids++;
    this.#handles.set(id, handle);
    return { id, ...tensorType(this.#context, handle) };
  }

  #handle(id: number): Deno.PointerValue {
    const handle = this.#handles.get(id);
    if (handle === undefined) {
      throw new Error("Cannot use a tensor that is freed, or that was made while a function was compiled");
    }
    return handle;
  }
}
