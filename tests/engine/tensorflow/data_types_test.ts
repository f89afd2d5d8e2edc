import { assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { Binding } from "../../../engine/tensorflow/binding.ts";
import { DATA_TYPES } from "../../../engine/tensorflow/host_tensor.ts";
import { withoutLeaks } from "../without_leaks.ts";
import { onTensorflow } from "./on_tensorflow.ts";

const text = (...strings: string[]) => strings.map((string) => new TextEncoder().encode(string));
const LONG = "A string of more than the 22 bytes that TensorFlow keeps in place. ∂ß";

const CASES = [
  ["TF_FLOAT", [2, 2], Float32Array.of(1.5, -0, Infinity, 1e-40)],
  ["TF_FLOAT", [], Float32Array.of(3)],
  ["TF_FLOAT", [0, 3], new Float32Array(0)],
  ["TF_INT32", [3], Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1)],
  ["TF_INT64", [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
  ["TF_BOOL", [2], Uint8Array.of(1, 0)],
  ["TF_UINT8", [2, 1], Uint8Array.of(255, 0)],
  ["TF_COMPLEX64", [2], Float32Array.of(1, 2, 3, 4)],
  ["TF_STRING", [3], text("", "a", LONG)],
] as const;

onTensorflow(
  "createTensor and tensorDataSync give back every value of every type, and hold nothing after",
  (engine) => {
    const { context, version } = engine;
    const binding = new Binding(context, version);
    const before = { ...context.live };
    for (const [dtype, shape, values] of CASES) {
      const id = binding.createTensor([...shape], DATA_TYPES[dtype], values);
      assertEquals(binding.tensorDataSync(id), values as Float32Array, dtype);
      assertEquals(binding.getNumOfTensors(), 1);
      binding.deleteTensor(id);
    }
    assertEquals(context.live, before);
  },
);

onTensorflow("createTensor takes tfjs's pairs of int32 for an int64, and numbers of another type", (engine) => {
  const binding = new Binding(engine.context, engine.version);
  const pair = binding.createTensor([], DATA_TYPES.TF_INT64, Int32Array.of(-5, -1));
  assertEquals(binding.tensorDataSync(pair), BigInt64Array.of(-5n) as unknown as Int32Array);
  const plain = binding.createTensor([2], DATA_TYPES.TF_INT32, [1, 2]);
  assertEquals(binding.tensorDataSync(plain), Int32Array.of(1, 2));
  for (const id of [pair, plain]) binding.deleteTensor(id);
});

onTensorflow("createTensor refuses more or fewer values than the shape asks for, and holds nothing after", (engine) => {
  const { context, version } = engine;
  const binding = new Binding(context, version);
  const before = { ...context.live };
  for (const values of [new Float32Array(3), new Float32Array(5)]) {
    assertThrows(() => binding.createTensor([2, 2], DATA_TYPES.TF_FLOAT, values), RangeError, "values must be 4");
  }
  assertThrows(() => binding.createTensor([2], DATA_TYPES.TF_STRING, text("a")), RangeError, "values must be 2");
  assertThrows(() => binding.createTensor([2], 19, new Uint16Array(2)), TypeError, "received TensorFlow's 19");
  assertEquals(context.live, before);
});

onTensorflow("tfjs's tensors of every type come back through an operation as they went in", () => {
  const through = (make: () => tf.Tensor) => withoutLeaks(() => tf.tidy(() => tf.reshape(make(), [-1]).dataSync()));
  const concat = (make: () => tf.Tensor) =>
    withoutLeaks(() => tf.tidy(() => tf.concat([make(), make()].map((t) => tf.reshape(t, [-1]))).dataSync()));
  assertEquals(through(() => tf.tensor([1.5, -2])), Float32Array.of(1.5, -2));
  assertEquals(concat(() => tf.tensor([1, -2], [2], "int32")), Int32Array.of(1, -2, 1, -2));
  assertEquals(concat(() => tf.tensor([true, false], [2], "bool")), Uint8Array.of(1, 0, 1, 0));
  assertEquals(concat(() => tf.tensor(["a", LONG])) as unknown, ["a", LONG, "a", LONG]);
  assertEquals(through(() => tf.complex([1, 2], [3, 4])), Float32Array.of(1, 3, 2, 4));
});
