/** A TF_Output by value: an operation of a graph, and which of its outputs. */
const TF_OUTPUT = { struct: ["pointer", "i32"] } as const;

/** What every TensorFlow has, whatever its age, and C's functions that come along with it. */
export const BASE_SYMBOLS = {
  TF_Version: { parameters: [], result: "pointer" },
  strlen: { parameters: ["pointer"], result: "usize" },
  readMemory: { name: "memcpy", parameters: ["buffer", "pointer", "usize"], result: "void" },
  writeMemory: { name: "memcpy", parameters: ["pointer", "buffer", "usize"], result: "void" },
  // Copying nothing gives back the first argument, as another type.
  toPointer: { name: "memcpy", parameters: ["u64", "buffer", "usize"], result: "pointer" },
  addressOf: { name: "memcpy", parameters: ["pointer", "buffer", "usize"], result: "u64" },
  dlopen: { parameters: ["buffer", "i32"], result: "pointer", optional: true },
  access: { parameters: ["buffer", "i32"], result: "i32", optional: true },
  // glibc's, on x86-64.
  processorFeatures: {
    name: "__x86_get_cpuid_feature_leaf",
    parameters: ["u32"],
    result: "pointer",
    optional: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Flags of `dlopen`; `noLoad` is Linux's. */
export const DLOPEN = { now: 2, noLoad: 4, noDelete: Deno.build.os === "darwin" ? 0x80 : 0x1000 } as const;

/** The functions of TensorFlow's C API (`c_api.h`, `eager/c_api.h`) that this engine calls. */
export const SYMBOLS = {
  ...BASE_SYMBOLS,

  TF_NewStatus: { parameters: [], result: "pointer" },
  TF_DeleteStatus: { parameters: ["pointer"], result: "void" },
  TF_GetCode: { parameters: ["pointer"], result: "i32" },
  TF_Message: { parameters: ["pointer"], result: "pointer" },
  TF_SetStatus: { parameters: ["pointer", "i32", "buffer"], result: "void" },

  TF_NewBuffer: { parameters: [], result: "pointer" },
  TF_DeleteBuffer: { parameters: ["pointer"], result: "void" },

  TF_AllocateTensor: { parameters: ["i32", "buffer", "i32", "usize"], result: "pointer" },
  TF_DeleteTensor: { parameters: ["pointer"], result: "void" },
  TF_TensorData: { parameters: ["pointer"], result: "pointer" },
  TF_TensorByteSize: { parameters: ["pointer"], result: "usize" },
  TF_StringInit: { parameters: ["pointer"], result: "void" },
  TF_StringCopy: { parameters: ["pointer", "buffer", "usize"], result: "void" },
  TF_StringGetDataPointer: { parameters: ["pointer"], result: "pointer" },
  TF_StringGetSize: { parameters: ["pointer"], result: "usize" },
  TF_StringDealloc: { parameters: ["pointer"], result: "void" },

  TFE_NewContextOptions: { parameters: [], result: "pointer" },
  TFE_DeleteContextOptions: { parameters: ["pointer"], result: "void" },
  TFE_ContextOptionsSetConfig: { parameters: ["pointer", "buffer", "usize", "pointer"], result: "void" },
  TFE_NewContext: { parameters: ["pointer", "pointer"], result: "pointer" },
  TFE_DeleteContext: { parameters: ["pointer"], result: "void" },
  TFE_ContextListDevices: { parameters: ["pointer", "pointer"], result: "pointer" },
  TF_DeviceListCount: { parameters: ["pointer"], result: "i32" },
  TF_DeviceListName: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },
  TF_DeviceListType: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },
  TF_DeleteDeviceList: { parameters: ["pointer"], result: "void" },

  TFE_NewTensorHandle: { parameters: ["pointer", "pointer"], result: "pointer" },
  TFE_DeleteTensorHandle: { parameters: ["pointer"], result: "void" },
  TFE_TensorHandleDataType: { parameters: ["pointer"], result: "i32" },
  TFE_TensorHandleNumDims: { parameters: ["pointer", "pointer"], result: "i32" },
  TFE_TensorHandleDim: { parameters: ["pointer", "i32", "pointer"], result: "i64" },
  TFE_TensorHandleResolve: { parameters: ["pointer", "pointer"], result: "pointer" },
  TFE_TensorHandleCopySharingTensor: { parameters: ["pointer", "pointer"], result: "pointer" },
  TFE_TensorHandleCopyToDevice: { parameters: ["pointer", "pointer", "buffer", "pointer"], result: "pointer" },

  TFE_NewOp: { parameters: ["pointer", "buffer", "pointer"], result: "pointer" },
  TFE_DeleteOp: { parameters: ["pointer"], result: "void" },
  TFE_OpAddInput: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  TFE_OpSetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  TFE_OpSetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  TFE_OpSetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  TFE_OpSetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  TFE_OpSetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrTypeList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TFE_OpSetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32", "pointer"], result: "void" },
  TFE_Execute: { parameters: ["pointer", "buffer", "buffer", "pointer"], result: "void" },

  TF_NewGraph: { parameters: [], result: "pointer" },
  TF_DeleteGraph: { parameters: ["pointer"], result: "void" },
  TF_GraphGetOpDef: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },
  TF_GraphGetTensorNumDims: { parameters: ["pointer", TF_OUTPUT, "pointer"], result: "i32" },
  TF_GraphGetTensorShape: { parameters: ["pointer", TF_OUTPUT, "buffer", "i32", "pointer"], result: "void" },
  TF_NewOperation: { parameters: ["pointer", "buffer", "buffer"], result: "pointer" },
  TF_FinishOperation: { parameters: ["pointer", "pointer"], result: "pointer" },
  TF_OperationNumOutputs: { parameters: ["pointer"], result: "i32" },
  TF_OperationOutputType: { parameters: [TF_OUTPUT], result: "i32" },
  TF_AddInput: { parameters: ["pointer", TF_OUTPUT], result: "void" },
  TF_AddInputList: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  TF_SetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  TF_SetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  TF_SetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TF_SetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  TF_SetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TF_SetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  TF_SetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TF_SetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  TF_SetAttrTypeList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TF_SetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  TF_SetAttrTensor: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },

  TF_GraphToFunction: {
    parameters: [
      "pointer",
      "buffer",
      "u8",
      "i32",
      "pointer",
      "i32",
      "buffer",
      "i32",
      "buffer",
      "pointer",
      "pointer",
      "pointer",
      "pointer",
    ],
    result: "pointer",
  },
  TF_FunctionSetAttrValueProto: { parameters: ["pointer", "buffer", "buffer", "usize", "pointer"], result: "void" },
  TF_DeleteFunction: { parameters: ["pointer"], result: "void" },
  TFE_ContextAddFunction: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  TFE_ContextRemoveFunction: { parameters: ["pointer", "buffer", "pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** C's functions, bound. */
export type BaseSymbols = Deno.DynamicLibrary<typeof BASE_SYMBOLS>["symbols"];

/** TensorFlow's functions, bound. */
export type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/*
 * C's own functions move the bytes: Deno.UnsafePointer and its view ask for --allow-ffi of everything, where a library's
 * functions need it for that library alone.
 */
const NOTHING = new Uint8Array(0);

/** The pointer to an address. */
export const toPointer = ({ toPointer }: BaseSymbols, address: bigint): Deno.PointerValue =>
  toPointer(address, NOTHING, 0n);

/** The address that a pointer holds. */
export const addressOf = ({ addressOf }: BaseSymbols, pointer: Deno.PointerValue): bigint =>
  addressOf(pointer, NOTHING, 0n);

/** Copies bytes from C's memory. */
export const readBytes = (
  { readMemory }: BaseSymbols,
  from: Deno.PointerValue,
  length: number,
): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  if (length > 0) readMemory(bytes, from, BigInt(length));
  return bytes;
};

/** Copies bytes into C's memory. */
export const writeBytes = ({ writeMemory }: BaseSymbols, to: Deno.PointerValue, bytes: Uint8Array): void => {
  if (bytes.length > 0) writeMemory(to, bytes as Uint8Array<ArrayBuffer>, BigInt(bytes.length));
};

/** Copies a C string; the empty string where there is none. */
export const readString = (symbols: BaseSymbols, from: Deno.PointerValue): string =>
  from === null ? "" : new TextDecoder().decode(readBytes(symbols, from, Number(symbols.strlen(from))));

const encoder = new TextEncoder();
const known = new Map<string, Uint8Array<ArrayBuffer>>();

/** A name as C takes it: UTF-8 and a zero. Names come from a small set (operations, attributes), so each is kept. */
export const cString = (name: string): Uint8Array<ArrayBuffer> => {
  let bytes = known.get(name);
  if (bytes === undefined) known.set(name, bytes = encoder.encode(`${name}\0`));
  return bytes;
};

/** Where TensorFlow's functions report: one TF_Status, looked at after each call that takes it. */
export class Status {
  readonly pointer: Deno.PointerValue;
  readonly #symbols: Symbols;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
    this.pointer = symbols.TF_NewStatus();
  }

  /** @throws {Error} if the last call failed: what could not be done, and TensorFlow's message */
  check(what: string): void {
    if (this.#symbols.TF_GetCode(this.pointer) === 0) return;
    const message = readString(this.#symbols, this.#symbols.TF_Message(this.pointer))
      .replaceAll(/\{\{function_node [^}]*\}\} ?/g, "");
    this.#symbols.TF_SetStatus(this.pointer, 0, cString(""));
    throw new Error(`Cannot ${what}: ${message}`);
  }

  free(): void {
    this.#symbols.TF_DeleteStatus(this.pointer);
  }
}
