import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { Binding } from "../../../engine/tensorflow/binding.ts";
import { ATTRIBUTE_KINDS } from "../../../engine/tensorflow/eager.ts";
import { DATA_TYPES } from "../../../engine/tensorflow/host_tensor.ts";
import { onTensorflow } from "./on_tensorflow.ts";

const FLOAT = [{ name: "T", type: ATTRIBUTE_KINDS.TF_ATTR_TYPE, value: DATA_TYPES.TF_FLOAT }];

onTensorflow("an operation that fails throws its name and TensorFlow's message, and the next one runs", (engine) => {
  const binding = new Binding(engine.context, engine.version);
  const a = binding.createTensor([2], DATA_TYPES.TF_FLOAT, Float32Array.of(1, 2));
  const b = binding.createTensor([3], DATA_TYPES.TF_FLOAT, Float32Array.of(1, 2, 3));
  const before = { ...engine.context.live };
  const error = assertThrows(() => binding.executeOp("AddV2", FLOAT, [a, b], 1), Error);
  assertMatch(error.message, /^Cannot run AddV2: Incompatible shapes: \[2\] vs\. \[3\]/);
  assertThrows(() => binding.executeOp("NoSuchOp", [], [], 1), Error, "Cannot run NoSuchOp: ");
  assertThrows(() => binding.executeOp("AddV2", FLOAT, [a], 1), Error, "Cannot run AddV2: ");
  assertThrows(
    () => binding.executeOp("AddV2", [{ name: "T", type: 99, value: 1 }], [a, a], 1),
    TypeError,
    "attribute T must be of a kind in tf_attrtype.h, received 99",
  );
  assertEquals(engine.context.live, before);

  const [sum] = binding.executeOp("AddV2", FLOAT, [a, a], 1);
  assertEquals({ ...sum, id: 0 }, { id: 0, shape: [2], dtype: DATA_TYPES.TF_FLOAT });
  assertEquals(binding.tensorDataSync(sum.id), Float32Array.of(2, 4));
  for (const id of [a, b, sum.id]) binding.deleteTensor(id);
});

onTensorflow("a tensor that is freed is told as that, whether used or read", (engine) => {
  const binding = new Binding(engine.context, engine.version);
  const a = binding.createTensor([1], DATA_TYPES.TF_FLOAT, Float32Array.of(1));
  binding.deleteTensor(a);
  assertThrows(() => binding.executeOp("AddV2", FLOAT, [a, a], 1), Error, "Cannot use a tensor that is freed");
  assertThrows(() => binding.tensorDataSync(a), Error, "Cannot use a tensor that is freed");
});

onTensorflow("an error within tfjs carries the operation's name", () => {
  tf.tidy(() => {
    const inputs = { a: tf.ones([2, 2]), b: tf.ones([3, 3]) };
    assertThrows(
      () => tf.engine().runKernel("BatchMatMul", inputs, { transposeA: false, transposeB: false }),
      Error,
      "Cannot run BatchMatMulV2: ",
    );
  });
});

onTensorflow("SavedModels are refused in words", (engine) => {
  const binding = new Binding(engine.context, engine.version);
  assertThrows(() => binding.loadSavedModel(), Error, "Cannot load a SavedModel: ");
});
