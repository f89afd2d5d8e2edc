import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { compile, EngineError } from "../../../engine/mod.ts";
import { ANY_ROWS, OnnxGraph } from "../../../engine/onnx/graph.ts";
import { loadRuntime, openSession } from "../../../engine/onnx/session.ts";
import { withoutLeaks } from "../without_leaks.ts";
import { onOnnx } from "./on_onnx.ts";

const oneLine = (run: () => unknown, kind: ErrorConstructor | typeof EngineError, message: string) => {
  const error = assertThrows(run, kind, message);
  assertEquals(error.message.split("\n").length, 1, error.message);
};

/** Compiling a function for an input of a shape fails in one line. */
const refuses = (
  fn: (x: tf.Tensor) => tf.Tensor,
  message: string,
  { shape = [2, 4], byRow = false }: { shape?: number[]; byRow?: boolean } = {},
) =>
  withoutLeaks(() => {
    const x = tf.ones(shape);
    const compiled = compile(fn, { byRow });
    oneLine(() => compiled(x), Error, message);
    compiled.dispose();
    x.dispose();
  });

onOnnx("what cannot be recorded on onnx is refused in a line that names it, and leaves nothing behind", () => {
  const x4 = { shape: [1, 4, 4, 2] };
  const filter = () => tf.ones([3, 3, 2, 2]) as tf.Tensor4D;
  refuses((x) => tf.unique(x).values, "Kernel 'Unique' not registered");
  refuses((x) => tf.mul(tf.linspace(0, 1, 4), x), "Kernel 'LinSpace' not registered");
  refuses((x) => tf.cast(x, "complex64"), "dtype must be one of float32, int32, bool on onnx, received complex64");
  refuses((x) => tf.gather(x, tf.tensor2d([[0], [1]], [2, 1], "int32"), 1, 1), "gather: batchDims must be 0");
  refuses((x) => tf.conv2d(x as tf.Tensor4D, filter(), 1, "same", "NCHW"), "dataFormat must be NHWC, received NCHW", {
    shape: [1, 2, 4, 4],
  });
  refuses(
    (x) => tf.fused.conv2d({ x: x as tf.Tensor4D, filter: filter(), strides: 1, pad: "same", activation: "elu" }),
    "activation elu",
    x4,
  );
  refuses((x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [7, 4]), "size must be multiples of [4,4]", x4);
  refuses((x) => tf.mul(x, Math.random()), "Cannot compile random numbers");
  // What is run one by one is refused alike.
  oneLine(() => tf.tidy(() => tf.unique(tf.ones([2]))), Error, "Kernel 'Unique' not registered");
  oneLine(() => tf.tensor1d(["a"]), RangeError, "dtype must be one of float32, int32, bool on onnx, received string");
});

onOnnx("a function for any number of rows may not make constants of that number", () => {
  const byRow = true;
  const stands = `${ANY_ROWS} stands for any number of rows`;
  refuses((x) => tf.mul(x, tf.ones([ANY_ROWS])), `a constant of shape [${ANY_ROWS}]: ${stands}`, {
    shape: [2, ANY_ROWS],
    byRow,
  });
  refuses((x) => tf.mul(x, tf.ones([3, 2 * ANY_ROWS, 1, 1])), `${2 * ANY_ROWS} stands for any number of rows`, {
    shape: [1, 1],
    byRow,
  });
  refuses((x) => tf.slice(tf.concat([x, x]), 0, x.shape[0]), stands, { byRow });
  refuses((x) => tf.add(x, tf.zeros([x.shape[0], 1])), stands, { byRow });
  refuses((x) => tf.split(x, [x.shape[0], 0])[0], stands, { byRow });
  refuses(
    (x) => tf.reshape(tf.matMul(x, x, false, true), [-1, 1, x.shape[0]]),
    "more than one dimension is of the batch",
    { byRow },
  );
});

onOnnx("a graph that the runtime refuses is an EngineError of one line", async () => {
  const runtime = await loadRuntime();
  const open = (model: Uint8Array<ArrayBuffer>) => openSession(runtime, model, { device: "cpu", threads: 1 });
  const graph = new OnnxGraph();
  const x = graph.input("x", [2, 3], "float32");
  const sound = graph.encode({ y: graph.node("Neg", [x], x) });
  open(sound).dispose();
  for (const end of [0, 1, 10, sound.length - 1]) oneLine(() => open(sound.slice(0, end)), EngineError, "onnx (cpu): ");
  oneLine(() => open(sound.map((byte) => byte ^ 255)), EngineError, "Cannot run on onnx (cpu): ");
  const made = (operator: string) => open(graph.encode({ y: graph.node(operator, [x, x], x) }));
  oneLine(() => made("NoSuchOperator"), EngineError, "No Op registered for NoSuchOperator");
  oneLine(() => made("MatMul"), EngineError, "MatMul");
});

onOnnx("an operation that fails on onnx throws its name, and the next one runs", () => {
  tf.tidy(() => {
    const inputs = { a: tf.ones([2, 2]), b: tf.ones([3, 3]) };
    const product = () => tf.engine().runKernel("BatchMatMul", inputs, { transposeA: false, transposeB: false });
    assertMatch(assertThrows(product, EngineError).message, /^Cannot run on onnx \(cpu\): .*MatMul/);
    assertEquals([...tf.add(inputs.a, 1).dataSync()], [2, 2, 2, 2]);
  });
});

onOnnx("values in memory that threads share, as a data set's are, are computed with as others", () => {
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set([1, 2]);
  const double = compile((x: tf.Tensor) => tf.mul(x, 2));
  for (const run of [double, (x: tf.Tensor) => tf.mul(x, 2)]) {
    assertEquals(tf.tidy(() => run(tf.tensor(shared))).dataSync(), Float32Array.of(2, 4));
  }
  double.dispose();
});
