import { assert, assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { assertWithin } from "./assert_within.ts";
import { randomValues } from "./random_values.ts";
import { relativeError } from "./relative_error.ts";
import { whyNot } from "./why_not.ts";
import { withoutLeaks } from "./without_leaks.ts";

interface Case {
  outerA: number[];
  outerB: number[];
  rows: number;
  inner: number;
  columns: number;
}

const TRANSPOSITIONS = [[false, false], [false, true], [true, false], [true, true]] as const;

const OUTERS: [number[], number[]][] = [
  [[], []],
  [[1], [1]],
  [[3], [3]],
  [[1], [3]],
  [[3], [1]],
  [[], [3]],
  [[3], []],
  [[2, 3], [2, 3]],
  [[2, 3], []],
  [[2, 3], [3]],
  [[2], [3, 1]],
  [[2, 3], [1, 3]],
  [[2, 1], [2, 3]],
  [[2, 1], [1, 3]],
];

const SIZES = [[1, 1, 1], [3, 5, 4], [7, 1, 9], [1, 33, 2], [16, 64, 16]];

const CASES: Case[] = OUTERS.flatMap(([outerA, outerB]) =>
  SIZES.map(([rows, inner, columns]) => ({ outerA, outerB, rows, inner, columns }))
);
CASES.push(
  // Pairs on both sides of the size from which each has a call of its own.
  { outerA: [], outerB: [], rows: 110, inner: 101, columns: 92 },
  { outerA: [2], outerB: [2], rows: 101, inner: 100, columns: 99 },
  { outerA: [2], outerB: [2], rows: 101, inner: 100, columns: 100 },
  { outerA: [1], outerB: [2], rows: 101, inner: 100, columns: 100 },
  { outerA: [2, 2], outerB: [2], rows: 101, inner: 100, columns: 100 },
);

const shapesOf = ({ outerA, outerB, rows, inner, columns }: Case, transposeA: boolean, transposeB: boolean) => ({
  a: transposeA ? [...outerA, inner, rows] : [...outerA, rows, inner],
  b: transposeB ? [...outerB, columns, inner] : [...outerB, inner, columns],
});

const multiply = (at: Case, transposeA: boolean, transposeB: boolean) =>
  tf.tidy(() => {
    const { a, b } = shapesOf(at, transposeA, transposeB);
    const product = tf.matMul(
      tf.tensor(randomValues(a, 1), a),
      tf.tensor(randomValues(b, 2), b),
      transposeA,
      transposeB,
    );
    return { shape: product.shape, values: product.dataSync() as Float32Array };
  });

/** The product by its definition, each sum in float64. */
const expected = (at: Case, transposeA: boolean, transposeB: boolean) => {
  const { outerA, outerB, rows, inner, columns } = at;
  const shapes = shapesOf(at, transposeA, transposeB);
  const a = randomValues(shapes.a, 1), b = randomValues(shapes.b, 2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const pairs = outer.reduce((product, n) => product * n, 1);
  const values = new Float32Array(pairs * rows * columns);
  const page = (own: number[], pair: number) => {
    let index = 0, stride = 1;
    for (let axis = outer.length - 1, k = own.length - 1; axis >= 0; axis--, k--) {
      const at = pair % outer[axis];
      pair = (pair - at) / outer[axis];
      if (k < 0) continue;
      if (own[k] > 1) index += at * stride;
      stride *= own[k];
    }
    return index;
  };
  for (let pair = 0, i = 0; pair < pairs; pair++) {
    const ofA = page(outerA, pair) * rows * inner, ofB = page(outerB, pair) * inner * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, i++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += a[ofA + (transposeA ? k * rows + row : row * inner + k)] *
            b[ofB + (transposeB ? column * inner + k : k * columns + column)];
        }
        values[i] = sum;
      }
    }
  }
  return { shape: [...outer, rows, columns], values };
};

const SUITE = { suite: "BatchMatMul", quantity: "from its definition" };

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  for (const [transposeA, transposeB] of TRANSPOSITIONS) {
    const turned = [transposeA ? "aᵀ" : "a", transposeB ? "bᵀ" : "b"].join("·");
    const title = `BatchMatMul ${turned} on ${engine}`;
    const mark = { ignore: reason !== "" };
    const product = `is the product to 2e-6, over ${CASES.length} shapes of rank 2 to 4, and leaks nothing`;
    Deno.test(`${title} ${product} ${reason}`.trimEnd(), mark, async () => {
      await openEngine(engine);
      for (const at of CASES) {
        const actual = withoutLeaks(() => multiply(at, transposeA, transposeB));
        const { shape, values } = expected(at, transposeA, transposeB);
        assertEquals(actual.shape, shape, JSON.stringify(at));
        const difference = relativeError(actual.values, values);
        assertWithin(difference, 2e-6, { ...SUITE, engine }, JSON.stringify(at));
      }
    });

    const bits = "a pair has the same bits alone, at any place, in a batch of any size";
    Deno.test(`${title}: ${bits} ${reason}`.trimEnd(), mark, async () => {
      await openEngine(engine);
      for (const [rows, inner, columns] of [[3, 5, 4], [16, 64, 16], [64, 33, 64], [101, 100, 99], [101, 100, 100]]) {
        const count = 5;
        const { a: shapeA, b: shapeB } = shapesOf(
          { outerA: [count], outerB: [count], rows, inner, columns },
          transposeA,
          transposeB,
        );
        const a = randomValues(shapeA, 1), b = randomValues(shapeB, 2);
        const product = (order: number[], outer = [order.length]) => {
          const gather = (values: Float32Array, [, height, width]: number[]) => {
            const size = height * width;
            const gathered = new Float32Array(order.length * size);
            order.forEach((from, to) => gathered.set(values.subarray(from * size, (from + 1) * size), to * size));
            return tf.tensor(gathered, [...outer, height, width]);
          };
          return tf.tidy(() =>
            tf.matMul(gather(a, shapeA), gather(b, shapeB), transposeA, transposeB).dataSync() as Float32Array
          );
        };
        const size = rows * columns;
        const alone = Array.from({ length: count }, (_, i) => product([i]));
        for (const [order, outer] of [[[0, 1, 2, 3, 4]], [[4, 2]], [[3, 3, 0, 1], [2, 2]]] as const) {
          const together = product([...order], outer && [...outer]);
          for (const [place, i] of order.entries()) {
            const part = together.subarray(place * size, (place + 1) * size);
            assert(part.every((value, k) => Object.is(value, alone[i][k])), `pair ${i} of ${[rows, inner, columns]}`);
          }
        }
      }
    });
  }
}

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  const title = `BatchMatMul on ${engine}: a row of a matrix has the same bits among 1 to 17 rows, at any place`;
  Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    await openEngine(engine);
    for (const [inner, columns] of [[16, 64], [64, 33], [100, 100], [128, 512]]) {
      for (const transposeB of [false, true]) {
        const b = randomValues([inner, columns], 2), subject = randomValues([inner], 1);
        const productAt = (position: number, rows: number): Float32Array =>
          tf.tidy(() => {
            const a = randomValues([rows, inner], 3);
            a.set(subject, position * inner);
            const right = tf.tensor2d(b, transposeB ? [columns, inner] : [inner, columns]);
            const product = tf.matMul(tf.tensor2d(a, [rows, inner]), right, false, transposeB)
              .dataSync() as Float32Array;
            return product.subarray(position * columns, (position + 1) * columns);
          });
        const alone = productAt(0, 1);
        for (let rows = 2; rows <= 17; rows++) {
          for (const position of new Set([0, rows >> 1, rows - 1])) {
            const same = productAt(position, rows).every((value, i) => Object.is(value, alone[i]));
            assert(same, `row ${position} of ${rows}, ${inner} by ${columns}${transposeB ? ", transposed" : ""}`);
          }
        }
      }
    }
  });
}

Deno.test("BatchMatMul on cpu, the reference elsewhere, is the product to 2e-6 where the batches are alike", async () => {
  await openEngine("cpu");
  for (const at of CASES.filter(({ outerA, outerB, rows }) => String(outerA) === String(outerB) && rows < 50)) {
    for (const [transposeA, transposeB] of TRANSPOSITIONS) {
      const { values } = multiply(at, transposeA, transposeB);
      const difference = relativeError(values, expected(at, transposeA, transposeB).values);
      assertWithin(difference, 2e-6, { ...SUITE, engine: "cpu" }, JSON.stringify(at));
    }
  }
});
