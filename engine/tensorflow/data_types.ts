/** TensorFlow's data types (`tf_datatype.h`) that tensors have here, by the names of tfjs-node's interface. */
export const DATA_TYPES = {
  TF_FLOAT: 1,
  TF_INT32: 3,
  TF_UINT8: 4,
  TF_STRING: 7,
  TF_COMPLEX64: 8,
  TF_INT64: 9,
  TF_BOOL: 10,
  TF_RESOURCE: 20,
} as const;

/** Numbers of one type, side by side. */
export type Numbers =
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>;

interface NumberType {
  /** Bytes an element. */
  readonly bytes: number;
  readonly Values: {
    new (buffer: ArrayBuffer): Numbers;
    from(values: Iterable<never>): Numbers;
  };
}

const NUMBER_TYPES: Record<number, NumberType> = {
  [DATA_TYPES.TF_FLOAT]: { bytes: 4, Values: Float32Array },
  [DATA_TYPES.TF_INT32]: { bytes: 4, Values: Int32Array },
  [DATA_TYPES.TF_UINT8]: { bytes: 1, Values: Uint8Array },
  // Real and imaginary part in turns.
  [DATA_TYPES.TF_COMPLEX64]: { bytes: 8, Values: Float32Array },
  [DATA_TYPES.TF_INT64]: { bytes: 8, Values: BigInt64Array },
  [DATA_TYPES.TF_BOOL]: { bytes: 1, Values: Uint8Array },
};

/** @throws {TypeError} if tensors of this type hold no numbers, or none that JavaScript knows */
export const numberType = (dtype: number): NumberType => {
  const type = NUMBER_TYPES[dtype];
  if (type === undefined) throw new TypeError(`dtype must be one that tfjs knows, received TensorFlow's ${dtype}`);
  return type;
};
