import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { type EngineName, openEngine } from "../../engine/mod.ts";
import { assertWithin } from "./assert_within.ts";
import { randomValues } from "./random_values.ts";
import { relativeError } from "./relative_error.ts";
import { whyNot } from "./why_not.ts";
import { withoutLeaks } from "./without_leaks.ts";

type Shape = [number, number, number, number];
type Pad = "same" | "valid" | [[number, number], [number, number], [number, number], [number, number]];

interface Case {
  x: Shape;
  filter: Shape;
  strides: number | [number, number];
  pad: Pad;
}

const sides = (top: number, bottom: number, left: number, right: number): Pad => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

const PADS: Pad[] = [
  "same",
  "valid",
  sides(1, 1, 1, 1),
  sides(0, 1, 0, 1),
  sides(1, 0, 1, 0),
  sides(2, 0, 1, 3),
];

const CASES: Case[] = [];
for (const kernel of [1, 3, 5]) {
  for (const strides of [1, 2, 3]) {
    for (const pad of PADS) {
      // 6×7 and 8×5: no stride but 1 divides both sides of both.
      for (const [height, width] of [[6, 7], [8, 5]]) {
        CASES.push({ x: [1, height, width, 1], filter: [kernel, kernel, 1, 1], strides, pad });
        CASES.push({ x: [3, height, width, 5], filter: [kernel, kernel, 5, 4], strides, pad });
      }
    }
  }
}
CASES.push(
  // The window of a network: as many channels as XNNPACK blocks by, and more.
  { x: [2, 8, 8, 32], filter: [3, 3, 32, 48], strides: 1, pad: sides(1, 1, 1, 1) },
  { x: [2, 9, 8, 33], filter: [3, 3, 33, 17], strides: 2, pad: sides(0, 1, 0, 1) },
  { x: [4, 4, 4, 64], filter: [1, 1, 64, 8], strides: 1, pad: "valid" },
  // Height and width apart.
  { x: [2, 7, 9, 3], filter: [3, 5, 3, 2], strides: [2, 1], pad: "same" },
  { x: [2, 9, 7, 3], filter: [5, 1, 3, 2], strides: [1, 3], pad: sides(2, 1, 0, 0) },
  // A filter as large as the image, and larger than what its padding leaves of it.
  { x: [2, 3, 3, 4], filter: [3, 3, 4, 4], strides: 1, pad: "valid" },
  { x: [1, 2, 2, 4], filter: [5, 5, 4, 3], strides: 2, pad: "same" },
  { x: [1, 1, 1, 4], filter: [3, 3, 4, 3], strides: 1, pad: sides(1, 1, 1, 1) },
  // Padding beyond the filter's reach.
  { x: [1, 4, 4, 2], filter: [1, 1, 2, 3], strides: 2, pad: sides(2, 1, 1, 2) },
  { x: [2, 4, 5, 2], filter: [3, 3, 2, 2], strides: 3, pad: sides(4, 3, 3, 4) },
);

const kernels = {
  Conv2DBackpropFilter: ({ x, filter, strides, pad }: Case, dy: tf.Tensor4D) =>
    tf.engine().runKernel(
      "Conv2DBackpropFilter",
      { x: tf.tensor4d(randomValues(x, 1), x), dy },
      { strides, pad, dataFormat: "NHWC", filterShape: filter } as unknown as tf.NamedAttrMap,
    ) as tf.Tensor4D,
  Conv2DBackpropInput: ({ x, filter, strides, pad }: Case, dy: tf.Tensor4D) =>
    tf.engine().runKernel(
      "Conv2DBackpropInput",
      { dy, filter: tf.tensor4d(randomValues(filter, 2), filter) },
      { strides, pad, dataFormat: "NHWC", inputShape: x } as unknown as tf.NamedAttrMap,
    ) as tf.Tensor4D,
};

const run = async (engine: EngineName, kernel: keyof typeof kernels) => {
  await openEngine(engine);
  return CASES.map((at) =>
    withoutLeaks(() =>
      tf.tidy(() => {
        const { outShape } = tf.backend_util.computeConv2DInfo(at.x, at.filter, at.strides, 1, at.pad as "same");
        const gradient = kernels[kernel](at, tf.tensor4d(randomValues(outShape, 3), outShape as Shape));
        return { shape: gradient.shape, values: gradient.dataSync() as Float32Array };
      })
    )
  );
};

for (const kernel of ["Conv2DBackpropFilter", "Conv2DBackpropInput"] as const) {
  for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
    const title = `${kernel} on ${engine} is that of the cpu backend to 2e-6, over ${CASES.length} shapes`;
    const reason = whyNot(engine);
    Deno.test(`${title}, and leaks nothing ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      const expected = await run("cpu", kernel);
      const actual = await run(engine, kernel);
      assert(expected.some(({ values }) => values.some((value) => value !== 0)));
      for (const [i, at] of CASES.entries()) {
        assertEquals(actual[i].shape, expected[i].shape, JSON.stringify(at));
        const difference = relativeError(actual[i].values, expected[i].values);
        assertWithin(difference, 2e-6, { suite: kernel, quantity: "from cpu's", engine }, JSON.stringify(at));
      }
    });
  }
}
