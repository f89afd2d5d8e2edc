import { assert, assertEquals, assertThrows } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { type EngineName, openEngine } from "../../engine/mod.ts";
import { assertWithin } from "./assert_within.ts";
import { gradientsOf, slopes, type Subject } from "./finite_differences.ts";
import { randomValues } from "./random_values.ts";
import { relativeError } from "./relative_error.ts";
import { whyNot } from "./why_not.ts";
import { withoutLeaks } from "./without_leaks.ts";

type Check = (what: string, compute: Subject["compute"], shapes: number[][], shift?: number) => void;

const checkOn = (engine: EngineName): Check => (what, compute, shapes, shift = 0) => {
  const subject = { compute, shapes };
  const inputs = shapes.map((shape, k) => randomValues(shape, 11 + k).map((value) => value + shift));
  const cotangent = randomValues(tf.tidy(() => compute(...shapes.map((shape) => tf.ones(shape))).shape), 7);
  const gradients = withoutLeaks(() => gradientsOf(subject, inputs, cotangent));
  const expected = slopes(subject, inputs, cotangent);
  for (const [k, { shape, values }] of gradients.entries()) {
    assertEquals(shape, shapes[k], `${what}: shape of gradient ${k}`);
    assert(expected[k].some((value) => Math.abs(value) > 1e-2), `${what}: gradient ${k} is too small to tell`);
    const kind = { suite: "operations' gradients", quantity: "from finite differences", engine };
    assertWithin(relativeError(values, expected[k]), 1e-4, kind, `${what}: gradient ${k}`);
  }
};

const BROADCASTS = [
  [[2, 3], [2, 3]],
  [[2, 1, 3], [4, 1]],
  [[2, 2, 3], [3]],
  [[3], [2, 2, 3]],
  [[2, 2, 2, 3], [2, 1, 1, 3]],
  [[2, 3], []],
  [[], [2, 3]],
  [[1, 3], [2, 3]],
];

const MAT_MULS = [
  [[], []],
  [[2], [2]],
  [[2, 2], [2, 2]],
  [[1], [3]],
  [[3], []],
  [[], [3]],
  [[2, 3], [3]],
  [[2, 1], [1, 3]],
];

/** Keeps `v` away from 0: a divisor within the reach of a finite step. */
const awayFromZero = (v: tf.Tensor) => tf.add(tf.square(v), 1);

for (const engine of ["cpu", "wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  const checkGradient = checkOn(engine);
  const gradientTest = (name: string, run: () => void) =>
    Deno.test({
      name: `gradient of ${name} on ${engine} is the finite difference to 1e-4, and leaks nothing ${reason}`.trimEnd(),
      ignore: reason !== "",
      fn: async () => {
        await openEngine(engine);
        run();
      },
    });

  gradientTest("Add, Sub, Multiply and RealDiv, broadcast or not,", () => {
    for (const [a, b] of BROADCASTS) {
      checkGradient(`add ${[a, b]}`, (a, b) => tf.add(a, b), [a, b]);
      checkGradient(`sub ${[a, b]}`, (a, b) => tf.sub(a, b), [a, b]);
      checkGradient(`mul ${[a, b]}`, (a, b) => tf.mul(a, b), [a, b]);
      checkGradient(`div ${[a, b]}`, (a, b) => tf.div(a, awayFromZero(b)), [a, b]);
    }
    checkGradient("div by a variable alone", (a, b) => tf.div(a, b), [[2, 3], [2, 3]], 4);
  });

  gradientTest("one tensor used twice, and Square,", () => {
    checkGradient("x·x", (x) => tf.mul(x, x), [[2, 3]]);
    checkGradient("x + x", (x) => tf.add(x, x), [[2, 3]]);
    checkGradient("x²", (x) => tf.square(x), [[2, 3]]);
    checkGradient("x² of a scalar", (x) => tf.square(x), [[]]);
  });

  gradientTest("Sum and Mean over all axes, some, the last, with axes kept,", () => {
    for (const axis of [undefined, 0, 2, -1, [1], [0, 2], [-1, 0], [0, 1, 2]]) {
      for (const keepDims of [false, true]) {
        checkGradient(`sum over ${axis}`, (x) => tf.sum(x, axis, keepDims), [[2, 3, 4]]);
        checkGradient(`mean over ${axis}`, (x) => tf.mul(tf.mean(x, axis, keepDims), 10), [[2, 3, 4]]);
      }
    }
    checkGradient("mean over an axis of 1", (x) => tf.mean(x, 1), [[2, 1, 3]]);
  });

  gradientTest("Reshape and Transpose", () => {
    checkGradient("reshape", (x) => tf.reshape(x, [4, -1]), [[2, 3, 2]]);
    for (const perm of [undefined, [0, 1, 2, 3], [0, 2, 1, 3], [3, 0, 1, 2], [1, 2, 3, 0]]) {
      checkGradient(`transpose ${perm}`, (x) => tf.transpose(x, perm), [[2, 3, 1, 4]]);
    }
  });

  gradientTest("Concat and SplitV", () => {
    checkGradient("concat on 0", (a, b) => tf.concat([a, b], 0), [[2, 3], [1, 3]]);
    checkGradient("concat on −1", (a, b, c) => tf.concat([a, b, c], -1), [[2, 1, 3], [2, 1, 1], [2, 1, 4]]);
    checkGradient("concat of one", (a) => tf.concat([a], 1), [[2, 3]]);
    checkGradient("concat of one tensor twice", (a) => tf.concat([a, a], 1), [[2, 3]]);
    const joined = (parts: tf.Tensor[]) => tf.add(tf.mul(parts[0], parts[1]), parts[2]);
    checkGradient("split in three", (x) => joined(tf.split(x, 3, 1)), [[2, 6]]);
    checkGradient("split on −1", (x) => joined(tf.split(x, 3, -1)), [[2, 2, 3]]);
    checkGradient("split by sizes", (x) => {
      const [a, b] = tf.split(x, [1, 3], 1);
      return tf.mul(a, b);
    }, [[2, 4]]);
    checkGradient("split, one part unused", (x) => tf.square(tf.split(x, 2, 0)[1]), [[2, 3]]);
  });

  gradientTest("Softmax", () => {
    checkGradient("softmax of rank 1", (x) => tf.softmax(x), [[5]]);
    checkGradient("softmax of rank 3", (x) => tf.softmax(x), [[2, 3, 4]]);
  });

  gradientTest("BatchMatMul, transposed or not, batches broadcast or not,", () => {
    // tfjs's cpu kernel cannot multiply batches that broadcast over part of their axes.
    for (const [outerA, outerB] of engine === "cpu" ? MAT_MULS.slice(0, -2) : MAT_MULS) {
      for (const [transposeA, transposeB] of [[false, false], [false, true], [true, false], [true, true]]) {
        const a = [...outerA, ...(transposeA ? [3, 2] : [2, 3])], b = [...outerB, ...(transposeB ? [4, 3] : [3, 4])];
        checkGradient(
          `matMul ${JSON.stringify([a, b, transposeA, transposeB])}`,
          (a, b) => tf.matMul(a, b, transposeA, transposeB),
          [a, b],
        );
      }
    }
  });

  gradientTest("fused Conv2D with bias, by input, filter and bias,", () => {
    for (const [strides, pad] of [[1, "same"], [2, [[0, 0], [0, 1], [0, 1], [0, 0]]], [3, "valid"]] as const) {
      checkGradient(
        `conv2d ${strides} ${pad}`,
        (x, filter, bias) =>
          tf.fused.conv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias,
            strides,
            pad: pad as "same",
          }),
        [[2, 5, 4, 2], [3, 3, 2, 3], [3]],
      );
    }
  });
}

Deno.test("registerGradients, called again by a second openEngine, leaves each gradient in its place", async () => {
  await openEngine("cpu");
  const before = tf.getGradient(tf.Softmax);
  await openEngine("wasm");
  assert(before !== undefined && tf.getGradient(tf.Softmax) === before);
});

Deno.test("openEngine refuses a name it does not know", async () => {
  const error = await openEngine("webgl" as "cpu").catch((error) => error);
  assertThrows(
    () => {
      throw error;
    },
    RangeError,
    "engine must be auto or one of onnx, tensorflow, webgpu, webgpu-software, wasm, cpu, received webgl",
  );
});
