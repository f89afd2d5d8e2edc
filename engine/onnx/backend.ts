import * as tf from "@tensorflow/tfjs-core";
import { type CompiledFunction, type Compiler, refuseRead, withoutRandom } from "../compile.ts";
import { ANY_ROWS, isOfBatch, OnnxGraph, type Value } from "./graph.ts";
import { type HostValues, type Order, plainOrder, reorder } from "../order.ts";
import { dtypeOf, elementTypeOf, RECORDERS, type RecordOperation } from "./kernels.ts";
import type { HostTensor, OnnxSession } from "./session.ts";

/**
 * Makes a session of a graph.
 *
 * @param options.isSmall of one operation, for which no threads are to be started
 */
export type OpenSession = (model: Uint8Array<ArrayBuffer>, options: { isSmall: boolean }) => OnnxSession;

/** What the backend keeps of a tensor: its values, or what stands for it in the graph that is being recorded. */
interface TensorData {
  readonly values?: HostValues;
  /** Of the values, where their axes do not lie in the order of the shape. */
  readonly order?: Order;
  readonly shape?: readonly number[];
  readonly symbol?: Value;
  /** The graph that the symbol is of. */
  readonly graph?: OnnxGraph;
  /** Tensors that share it. */
  references: number;
}

/** An operation that runs by itself: its session, or which of its inputs is what comes out. */
interface Operation {
  readonly session: OnnxSession | number;
  readonly outputs: Value | Value[];
}

/** Operations that are kept. */
const MOST_OPERATIONS = 256;

/** Whatever tfjs hands over as a tensor's values, as the runtime takes them. */
const hostValues = (values: tf.BackendValues, dtype: tf.DataType): HostValues => {
  const type = elementTypeOf(dtype);
  if (values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array) return values;
  if (type === "float32") return Float32Array.from(values as unknown as number[]);
  return (type === "bool" ? Uint8Array : Int32Array).from(values as unknown as number[]);
};

const inputsOf = (inputs: tf.NamedTensorInfoMap): tf.TensorInfo[] =>
  Object.values(inputs).filter((input) => input !== undefined);

/** The operations of a function, recorded as a graph. */
interface Trace {
  readonly graph: OnnxGraph;
  /** What stands for each tensor that came from outside. */
  readonly captured: Map<object, Value>;
}

const refuseStale = (): never => {
  throw new Error("Cannot use a tensor that was made while a function was compiled");
};

/** With the batch's own size in the place of what stands for any. */
const shapeFor = (shape: readonly number[], rows: number): number[] =>
  shape.map((size) => isOfBatch(size) ? size / ANY_ROWS * rows : size);

/**
 * A backend of tfjs that records operations as an ONNX graph: those of a compiled function as one, and each of the others
 * as one of its own, which runs at once.
 */
export class OnnxBackend extends tf.KernelBackend implements Compiler {
  readonly #open: OpenSession;
  readonly #data = new tf.DataStorage<TensorData>(this, tf.engine());
  readonly #operations = new Map<string, Operation>();
  #trace: Trace | null = null;

  constructor(open: OpenSession) {
    super();
    this.#open = open;
  }

  get isTracing(): boolean {
    return this.#trace !== null;
  }

  /** A graph takes any number of rows. */
  get takesAnyRows(): boolean {
    return true;
  }

  #add(data: Omit<TensorData, "references">): object {
    const dataId = {};
    this.#data.set(dataId, { ...data, references: 1 });
    return dataId;
  }

  /** What stands for a tensor in the graph: one from outside is a constant of it. */
  #symbolOf({ dataId, shape, dtype }: tf.TensorInfo, { graph, captured }: Trace): Value {
    const data = this.#data.get(dataId);
    if (data.symbol !== undefined) return data.graph === graph ? data.symbol : refuseStale();
    const known = captured.get(dataId);
    if (known !== undefined) return graph.reshape(known, shape);
    const constant = graph.constant(data.values!, shape, elementTypeOf(dtype), data.order);
    captured.set(dataId, constant);
    return constant;
  }

  /** Records an operation, or runs it where nothing is being recorded. */
  operation(kernelName: string, inputs: readonly tf.TensorInfo[], attributes: object): tf.TensorInfo | tf.TensorInfo[] {
    const record = RECORDERS[kernelName];
    const trace = this.#trace;
    if (trace === null) return this.#runOne(kernelName, record, inputs, attributes);
    const symbols = inputs.map((input) => this.#symbolOf(input, trace));
    return this.#asInfos(
      record(trace.graph, symbols, attributes as Record<string, unknown>),
      (symbol) => this.#add({ symbol, graph: trace.graph }),
    );
  }

  #asInfos(values: Value | Value[], add: (value: Value, i: number) => object): tf.TensorInfo | tf.TensorInfo[] {
    const one = (value: Value, i: number): tf.TensorInfo => ({
      dataId: add(value, i),
      shape: [...value.shape],
      dtype: dtypeOf(value.type),
    });
    return Array.isArray(values) ? values.map(one) : one(values, 0);
  }

  #runOne(kernelName: string, record: RecordOperation, inputs: readonly tf.TensorInfo[], attributes: object) {
    const types = inputs.map(({ shape, dtype }) => `${dtype}[${shape}]`);
    const { session, outputs } = this.#operations.getOrInsertComputed(
      JSON.stringify([kernelName, types, attributes]),
      () => {
        const graph = new OnnxGraph();
        const symbols = inputs.map(({ shape, dtype }, i) => graph.input(`x${i}`, shape, elementTypeOf(dtype)));
        const recorded = record(graph, symbols, attributes as Record<string, unknown>);
        const outputs = Array.isArray(recorded) ? recorded.map((one) => graph.plain(one)) : graph.plain(recorded);
        const named = Object.fromEntries([outputs].flat().map((output, i) => [`y${i}`, output]));
        // Of some operations nothing is left to compute: the values are those that went in.
        const source = symbols.findIndex(({ name }) => !Array.isArray(outputs) && outputs.name === name);
        return { session: source < 0 ? this.#open(graph.encode(named), { isSmall: true }) : source, outputs };
      },
    );
    if (this.#operations.size > MOST_OPERATIONS) this.#forgetOldest();
    if (typeof session === "number") {
      const { dataId } = inputs[session];
      this.#plain(dataId);
      this.incRef(dataId);
      return this.#asInfos(outputs, () => dataId);
    }
    const results = session.run(this.#feeds(inputs));
    return this.#asInfos(outputs, (_, i) => this.#add({ values: results[`y${i}`].values }));
  }

  #forgetOldest(): void {
    const [key, { session }] = this.#operations.entries().next().value!;
    if (typeof session !== "number") session.dispose();
    this.#operations.delete(key);
  }

  #feeds(inputs: readonly tf.TensorInfo[]): Record<string, HostTensor> {
    return Object.fromEntries(inputs.map(({ dataId, shape, dtype }, i) => {
      return [`x${i}`, { values: this.#plain(dataId), shape, type: elementTypeOf(dtype) }];
    }));
  }

  /** The values of a tensor in the order of its shape, in which they are kept from then on. */
  #plain(dataId: object): HostValues {
    const { values, order, shape, references } = this.#data.get(dataId);
    if (values === undefined) return refuseStale();
    if (order === undefined) return values;
    const plain = reorder(values, shape!, order, plainOrder(order.length));
    this.#data.set(dataId, { values: plain, references });
    return plain;
  }

  compileFunction(
    compute: (inputs: tf.Tensor[]) => tf.Tensor[],
    examples: readonly tf.Tensor[],
    { anyRows = false }: { xla: boolean; anyRows?: boolean },
  ): CompiledFunction {
    const graph = new OnnxGraph();
    const inputs = examples.map(({ shape, dtype }, i) =>
      graph.input(`x${i}`, anyRows ? shape.with(0, ANY_ROWS) : shape, elementTypeOf(dtype))
    );
    const outputs = this.record(graph, inputs, compute);
    const model = graph.encode(Object.fromEntries(outputs.map((output, i) => [`y${i}`, output])));
    const session = this.#open(model, { isSmall: false });
    return {
      run: (inputs) => {
        const results = session.run(this.#feeds(inputs));
        return outputs.map(({ shape, type }, i) =>
          tf.engine().makeTensorFromTensorInfo({
            dataId: this.#add({ values: results[`y${i}`].values }),
            shape: shapeFor(shape, inputs[0]?.shape[0] ?? 1),
            dtype: dtypeOf(type),
          })
        );
      },
      free: () => session.dispose(),
    };
  }

  /**
   * Records what a function does with tensors of a graph.
   *
   * @param compute is handed the inputs as tensors
   * @returns its outputs, with their axes in memory in the order of their shapes
   */
  record(graph: OnnxGraph, inputs: readonly Value[], compute: (inputs: tf.Tensor[]) => tf.Tensor[]): Value[] {
    const trace: Trace = { graph, captured: new Map() };
    let outputs: Value[] = [];
    const record = () => {
      const infos = this.#asInfos([...inputs], (symbol) => this.#add({ symbol, graph })) as tf.TensorInfo[];
      const tensors = infos.map((info) => tf.engine().makeTensorFromTensorInfo(info));
      outputs = compute(tensors).map((output) => graph.plain(this.#symbolOf(output, trace)));
    };
    this.#trace = trace;
    try {
      withoutRandom(() => tf.tidy(record));
      return outputs;
    } finally {
      this.#trace = null;
    }
  }

  /** Takes values in the order in which their axes lie. */
  writeInOrder(values: HostValues, shape: readonly number[], order: Order): object {
    return this.#add({ values, shape, order });
  }

  override write(values: tf.BackendValues, _shape: number[], dtype: tf.DataType): object {
    return this.#add({ values: hostValues(values, dtype) });
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    _shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    this.#data.set(dataId, { values: hostValues(values, dtype), references });
  }

  override readSync(dataId: object): tf.BackendValues {
    if (this.isTracing) refuseRead();
    return this.#plain(dataId) as tf.BackendValues;
  }

  override read(dataId: object): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override numDataIds(): number {
    return this.#data.numDataIds();
  }

  override refCount(dataId: object): number {
    return this.#data.has(dataId) ? this.#data.get(dataId).references : 0;
  }

  override incRef(dataId: object): void {
    this.#data.get(dataId).references++;
  }

  decRef(dataId: object): void {
    this.#data.get(dataId).references--;
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#data.has(dataId)) return true;
    const data = this.#data.get(dataId);
    data.references--;
    if (data.references > 0 && !force) return false;
    this.#data.delete(dataId);
    return true;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {
    while (this.#operations.size > 0) this.#forgetOldest();
  }
}

/** Registers every operation that can be recorded for a backend of this kind. */
export const registerKernels = (backendName: string): void => {
  for (const kernelName of Object.keys(RECORDERS)) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) =>
        (backend as OnnxBackend).operation(kernelName, inputsOf(inputs), attrs ?? {}),
    });
  }
};
