import { type Attribute, ATTRIBUTE_KINDS } from "./attributes.ts";
import type { Binding, TensorMetadata } from "./binding.ts";
import { DATA_TYPES } from "./data_types.ts";

/** A type of `tf_datatype.h` that tfjs has no name for. */
const UINT64 = 23;

/** TensorFlow's number for Philox. */
const PHILOX = 1;

const type = (name: string, value: number): Attribute => ({ name, type: ATTRIBUTE_KINDS.TF_ATTR_TYPE, value });

/**
 * Uniform numbers in [0, 1) by TensorFlow's Philox: element e is word e mod 4 of the counter plus ⌊e / 4⌋, its lowest 23
 * bits divided by 2²³.
 *
 * @param inputs.key id of an int32 [2], the lowest word first
 * @param inputs.counter id of an int32 [4], the lowest word first
 */
export const uniform = (
  binding: Binding,
  shape: readonly number[],
  { key, counter }: { key: number; counter: number },
): TensorMetadata => {
  const made: number[] = [];
  const keep = (id: number) => (made.push(id), id);
  const integers = (values: readonly number[], shape: number[]) =>
    keep(binding.createTensor(shape, DATA_TYPES.TF_INT32, Int32Array.from(values)));
  const run = (name: string, attributes: Attribute[], inputs: number[]) =>
    binding.executeOp(name, attributes, inputs, 1)[0];
  const asUint64 = (words: number, count: number) => {
    const pairs = run("Reshape", [type("T", DATA_TYPES.TF_INT32), type("Tshape", DATA_TYPES.TF_INT32)], [
      words,
      integers([count, 2], [2]),
    ]);
    return keep(run("Bitcast", [type("T", DATA_TYPES.TF_INT32), type("type", UINT64)], [keep(pairs.id)]).id);
  };
  try {
    return run(
      "StatelessRandomUniformV2",
      [type("dtype", DATA_TYPES.TF_FLOAT), type("Tshape", DATA_TYPES.TF_INT32)],
      [integers(shape, [shape.length]), asUint64(key, 1), asUint64(counter, 2), integers([PHILOX], [])],
    );
  } finally {
    made.forEach((id) => binding.deleteTensor(id));
  }
};
