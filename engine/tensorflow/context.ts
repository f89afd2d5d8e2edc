import { readString, Status, type Symbols } from "./c_api.ts";
import type { Library } from "./library.ts";

/** How TensorFlow runs. */
export interface ConfigOptions {
  /** Threads of one operation, and operations at once; as many as there are processors if not given. */
  readonly threads?: number;
  /** Take a GPU's memory as it is needed, not all of it at the start. */
  readonly gpuMemoryGrowth?: boolean;
}

const varint = (value: number): number[] => value < 0x80 ? [value] : [value & 0x7f | 0x80, ...varint(value >>> 7)];

const field = (number: number, wireType: 0 | 2, payload: number[]): number[] => [
  number << 3 | wireType,
  ...(wireType === 2 ? varint(payload.length) : []),
  ...payload,
];

/** A `tensorflow.ConfigProto` (config.proto), serialized. */
const configBytes = ({ threads, gpuMemoryGrowth = true }: ConfigOptions): Uint8Array<ArrayBuffer> => {
  const gpuOptions = field(4, 0, [gpuMemoryGrowth ? 1 : 0]);
  return Uint8Array.from([
    ...(threads === undefined ? [] : [...field(2, 0, varint(threads)), ...field(5, 0, varint(threads))]),
    ...field(6, 2, gpuOptions),
  ]);
};

/** What TensorFlow holds for us at this moment; each must be freed by hand. */
export interface LiveHandles {
  /** TF_Tensor: memory on the host, on its way in or out. */
  hostTensors: number;
  /** TFE_TensorHandle: tensors on the device. */
  tensors: number;
  /** TFE_Op: operations being put together. */
  operations: number;
  /** TF_Graph. */
  graphs: number;
  /** Functions that the context knows. */
  functions: number;
}

/** TensorFlow at work: the library, its eager context, and what is held of it. */
export interface Context {
  readonly symbols: Symbols;
  readonly pointer: Deno.PointerValue;
  readonly status: Status;
  /** Full names of the devices, by kind. */
  readonly devices: readonly { name: string; kind: string }[];
  readonly live: LiveHandles;
  close(): void;
}

const listDevices = (symbols: Symbols, context: Deno.PointerValue, status: Status) => {
  const list = symbols.TFE_ContextListDevices(context, status.pointer);
  status.check("list TensorFlow's devices");
  try {
    return Array.from({ length: symbols.TF_DeviceListCount(list) }, (_, i) => {
      const name = readString(symbols, symbols.TF_DeviceListName(list, i, status.pointer));
      const kind = readString(symbols, symbols.TF_DeviceListType(list, i, status.pointer));
      status.check("read a device's name");
      return { name, kind };
    });
  } finally {
    symbols.TF_DeleteDeviceList(list);
  }
};

/**
 * Makes an eager context.
 *
 * @throws {Error} if TensorFlow refuses
 */
export const openContext = ({ symbols }: Library, options: ConfigOptions = {}): Context => {
  const status = new Status(symbols);
  const contextOptions = symbols.TFE_NewContextOptions();
  const config = configBytes(options);
  let pointer: Deno.PointerValue;
  try {
    symbols.TFE_ContextOptionsSetConfig(contextOptions, config, BigInt(config.length), status.pointer);
    status.check("configure TensorFlow");
    pointer = symbols.TFE_NewContext(contextOptions, status.pointer);
    status.check("start TensorFlow");
  } finally {
    symbols.TFE_DeleteContextOptions(contextOptions);
  }
  return {
    symbols,
    pointer,
    status,
    devices: listDevices(symbols, pointer, status),
    live: { hostTensors: 0, tensors: 0, operations: 0, graphs: 0, functions: 0 },
    close: () => {
      symbols.TFE_DeleteContext(pointer);
      status.free();
    },
  };
};
