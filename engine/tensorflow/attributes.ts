import { cString } from "./c_string.ts";
import type { Context } from "./context.ts";

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
