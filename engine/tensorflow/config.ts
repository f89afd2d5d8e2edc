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
export const configBytes = ({ threads, gpuMemoryGrowth = true }: ConfigOptions): Uint8Array<ArrayBuffer> => {
  const gpuOptions = field(4, 0, [gpuMemoryGrowth ? 1 : 0]);
  return Uint8Array.from([
    ...(threads === undefined ? [] : [...field(2, 0, varint(threads)), ...field(5, 0, varint(threads))]),
    ...field(6, 2, gpuOptions),
  ]);
};
