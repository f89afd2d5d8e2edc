import { cString, toPointer } from "./c_api.ts";
import type { Context } from "./context.ts";
import { DATA_TYPES, type Numbers, readHostTensor, type Values, withHostTensor } from "./host_tensor.ts";

/** Kinds of attributes (`tf_attrtype.h`), by the names of tfjs-node's interface. */
export const ATTRIBUTE_KINDS = {
  TF_ATTR_STRING: 0,
  TF_ATTR_INT: 1,
  TF_ATTR_FLOAT: 2,
  TF_ATTR_BOOL: 3,
  TF_ATTR_TYPE: 4,
  TF_ATTR_SHAPE: 5,
} as const;

/** An attribute of an operation, as tfjs-node's kernels write it. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  // deno-lint-ignore no-explicit-any
  readonly value: any;
}

/** Sets attributes on an eager operation (`TFE_Op`), or one of a graph (`TF`). */
export const setAttributes = (
  { symbols, status }: Context,
  family: "TFE_Op" | "TF_",
  operation: Deno.PointerValue,
  attributes: readonly Attribute[],
): void => {
  for (const { name, type, value } of attributes) {
    const key = cString(name);
    const isList = Array.isArray(value);
    switch (type) {
      case ATTRIBUTE_KINDS.TF_ATTR_STRING: {
        const text = cString(value);
        symbols[`${family}SetAttrString`](operation, key, text, BigInt(text.length - 1));
        break;
      }
      case ATTRIBUTE_KINDS.TF_ATTR_INT:
        if (isList) {
          symbols[`${family}SetAttrIntList`](operation, key, BigInt64Array.from(value, BigInt), value.length);
        } else symbols[`${family}SetAttrInt`](operation, key, BigInt(value));
        break;
      case ATTRIBUTE_KINDS.TF_ATTR_FLOAT:
        if (isList) symbols[`${family}SetAttrFloatList`](operation, key, Float32Array.from(value), value.length);
        else symbols[`${family}SetAttrFloat`](operation, key, value);
        break;
      case ATTRIBUTE_KINDS.TF_ATTR_BOOL:
        if (isList) symbols[`${family}SetAttrBoolList`](operation, key, Uint8Array.from(value, Number), value.length);
        else symbols[`${family}SetAttrBool`](operation, key, value ? 1 : 0);
        break;
      case ATTRIBUTE_KINDS.TF_ATTR_TYPE:
        if (isList) symbols[`${family}SetAttrTypeList`](operation, key, Int32Array.from(value), value.length);
        else symbols[`${family}SetAttrType`](operation, key, value);
        break;
      case ATTRIBUTE_KINDS.TF_ATTR_SHAPE: {
        const dims = BigInt64Array.from(value, BigInt);
        if (family === "TF_") symbols.TF_SetAttrShape(operation, key, dims, dims.length);
        else {
          symbols.TFE_OpSetAttrShape(operation, key, dims, dims.length, status.pointer);
          status.check(`set attribute ${name}`);
        }
        break;
      }
      default:
        throw new TypeError(`attribute ${name} must be of a kind in tf_attrtype.h, received ${type}`);
    }
  }
};

/** What a kernel knows of a tensor. */
export interface TensorType {
  readonly shape: number[];
  readonly dtype: number;
}

type Handle = Deno.PointerValue;

const countHandle = ({ live }: Context, handle: Handle): Handle => {
  live.tensors++;
  return handle;
};

/** Frees a tensor. */
export const deleteHandle = ({ symbols, live }: Context, handle: Handle): void => {
  symbols.TFE_DeleteTensorHandle(handle);
  live.tensors--;
};

/** A second handle of the same tensor, to be freed by itself. */
export const shareHandle = (context: Context, handle: Handle): Handle => {
  const shared = context.symbols.TFE_TensorHandleCopySharingTensor(handle, context.status.pointer);
  context.status.check("share a tensor");
  return countHandle(context, shared);
};

/** Shape and type of a tensor. */
export const tensorType = ({ symbols, status }: Context, handle: Handle): TensorType => {
  const shape: number[] = [];
  const rank = symbols.TFE_TensorHandleNumDims(handle, status.pointer);
  status.check("read a tensor's rank");
  for (let i = 0; i < rank; i++) shape.push(Number(symbols.TFE_TensorHandleDim(handle, i, status.pointer)));
  status.check("read a tensor's shape");
  return { shape, dtype: symbols.TFE_TensorHandleDataType(handle) };
};

const NO_ROOM = new BigUint64Array(1);
const outputCount = new Int32Array(1);

/**
 * Runs one operation, or a function that the context knows.
 *
 * @param outputs how many it returns
 * @returns handles, to be freed
 * @throws {Error} with the operation's name and TensorFlow's message
 */
export const executeOperation = (
  context: Context,
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly Handle[],
  outputs: number,
): Handle[] => {
  const { symbols, status, live } = context;
  const operation = symbols.TFE_NewOp(context.pointer, cString(name), status.pointer);
  status.check(`run ${name}`);
  live.operations++;
  try {
    for (const input of inputs) {
      symbols.TFE_OpAddInput(operation, input, status.pointer);
      status.check(`run ${name}`);
    }
    setAttributes(context, "TFE_Op", operation, attributes);
    const handles = outputs === 0 ? NO_ROOM : new BigUint64Array(outputs);
    outputCount[0] = outputs;
    symbols.TFE_Execute(operation, handles, outputCount, status.pointer);
    status.check(`run ${name}`);
    return Array.from(
      handles.subarray(0, outputCount[0]),
      (handle) => countHandle(context, toPointer(symbols, handle)),
    );
  } finally {
    symbols.TFE_DeleteOp(operation);
    live.operations--;
  }
};

const toHandle = (context: Context, tensor: Deno.PointerValue): Handle => {
  const handle = context.symbols.TFE_NewTensorHandle(tensor, context.status.pointer);
  context.status.check("make a tensor");
  return countHandle(context, handle);
};

const toDevice = (context: Context, handle: Handle, device: string): Handle => {
  const { symbols, status } = context;
  const copy = symbols.TFE_TensorHandleCopyToDevice(handle, context.pointer, cString(device), status.pointer);
  deleteHandle(context, handle);
  status.check(`copy a tensor to ${device}`);
  return countHandle(context, copy);
};

const JOINED: Attribute = { name: "N", type: ATTRIBUTE_KINDS.TF_ATTR_INT, value: 2 };

/**
 * Uploads a tensor.
 *
 * @param device a GPU's full name; `null` to leave the tensor in main memory
 */
export const uploadTensor = (
  context: Context,
  values: TensorType & { values: Values },
  device: string | null,
): Handle =>
  withHostTensor(context, values, (tensor) => {
    const handle = toHandle(context, tensor);
    if (values.dtype === DATA_TYPES.TF_STRING) {
      // The host tensor's strings are ours to free, and the handle shares them: give it a copy that TensorFlow owns.
      const empty = { dtype: DATA_TYPES.TF_STRING, shape: [], values: [new Uint8Array(0)] };
      return withHostTensor(context, empty, (tensor) => {
        const nothing = toHandle(context, tensor);
        try {
          return executeOperation(context, "StringJoin", [JOINED], [handle, nothing], 1)[0];
        } finally {
          deleteHandle(context, nothing);
          deleteHandle(context, handle);
        }
      });
    }
    // On a GPU, TensorFlow's kernels take int32 (shapes, axes) from main memory.
    return device === null || values.dtype === DATA_TYPES.TF_INT32 ? handle : toDevice(context, handle, device);
  });

/** Downloads a tensor's values, as soon as they are computed. */
export const downloadTensor = (context: Context, handle: Handle): Numbers | Uint8Array[] => {
  const { symbols, status, live } = context;
  const tensor = symbols.TFE_TensorHandleResolve(handle, status.pointer);
  status.check("read a tensor");
  live.hostTensors++;
  try {
    return readHostTensor(context, tensor, symbols.TFE_TensorHandleDataType(handle));
  } finally {
    symbols.TF_DeleteTensor(tensor);
    live.hostTensors--;
  }
};
