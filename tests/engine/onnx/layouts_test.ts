import { assertEquals, assertLess } from "@std/assert";
import * as tf from "@tensorflow/tfjs-core";
import { uniform } from "../../../core/mod.ts";
import { compile, openEngine } from "../../../engine/mod.ts";
import type { OnnxBackend } from "../../../engine/onnx/backend.ts";
import { ANY_ROWS, OnnxGraph } from "../../../engine/onnx/graph.ts";
import { tensorInOrder } from "../../../engine/order.ts";
import { attention, groupNorm, residualBlock, upsample } from "../../../model/layers.ts";
import { Weights } from "../../../model/weights.ts";
import { randomValues } from "../random_values.ts";
import { relativeError } from "../relative_error.ts";
import { withoutLeaks } from "../without_leaks.ts";
import { onOnnx } from "./on_onnx.ts";

/** A row's shapes: what is reshaped keeps its 24 elements. */
const SHAPES = [[2, 3, 4], [4, 2, 3], [3, 2, 4], [1, 4, 6], [6, 4, 1], [2, 1, 12], [12, 1, 2], [1, 24, 1], [1, 1, 24]];
const PERMUTATIONS = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];

/** What an expression draws its choices from. */
interface Chance {
  below(count: number): number;
  pick<T>(list: readonly T[]): T;
  /** A constant of this shape. */
  constant(shape: number[]): tf.Tensor;
}

type Image = tf.Tensor4D;
const like = (x: tf.Tensor, other: Image): Image => tf.reshape(x, other.shape);
const undo = tf.backend_util.getUndoAxesPermutation;

/** Each takes images of [B, …24 elements a row] and gives such back; the batch is no number that it may use. */
const STEPS: Record<string, (a: Image, b: Image, chance: Chance) => tf.Tensor> = {
  reshape: (a, _b, { pick }) => tf.reshape(a, [a.shape[0], ...pick(SHAPES)]),
  transpose: (a, _b, { pick }) => tf.transpose(a, [0, ...pick(PERMUTATIONS)]),
  "transpose, the batch last": (a, b) => {
    const perm = [2, 1, 3, 0];
    const turned = tf.transpose(a, perm);
    return tf.transpose(tf.sub(turned, tf.transpose(like(b, a), perm)), undo(perm));
  },
  "reshape with the batch": (a) => {
    const [batch, height, width, channels] = a.shape;
    const rows = tf.reshape(a, [batch * height, width, channels]);
    return like(tf.transpose(tf.softmax(tf.transpose(rows, [0, 2, 1])), [0, 2, 1]), a);
  },
  add: (a, b) => tf.add(a, like(b, a)),
  "broadcast a vector": (a, _b, { constant }) => tf.mul(a, constant([a.shape[3]])),
  "broadcast rows": (a, _b, { constant }) => tf.add(constant([a.shape[1], 1, a.shape[3]]), a),
  "broadcast means": (a, b, { pick }) => tf.sub(a, tf.mean(like(b, a), pick([[1], [2, 3], [-1], [1, 2, 3]]), true)),
  "reduce and reshape": (a) => tf.mul(a, tf.reshape(tf.max(a, [1, 2]), [a.shape[0], 1, 1, a.shape[3]])),
  "reduce the middle": (a) => tf.add(a, tf.expandDims(tf.sum(a, 2), 2)),
  "concat and split": (a, b, { pick, below }) => {
    const axis = pick([1, 2, 3, -1]);
    const joined = tf.concat([a, like(b, a)], axis);
    const size = a.shape.at(axis)!, first = 1 + below(2 * size - 1);
    const parts = tf.split(joined, [first, 2 * size - first], axis);
    return tf.sub(...tf.split(tf.concat(parts.reverse(), axis), 2, axis) as [tf.Tensor, tf.Tensor]);
  },
  "stack and unstack": (a, b, { pick }) => {
    const axis = pick([1, 2, 4]);
    const [first, second] = tf.unstack(tf.stack([a, like(b, a)], axis), axis);
    return tf.mul(second, tf.sigmoid(first));
  },
  "pad and slice": (a, _b, { below }) => {
    const [, ...sizes] = a.shape;
    const padded = tf.pad(a, [[0, 0], [1, 1], [0, 2], [1, 0]], 0.5);
    return tf.slice(padded, [0, below(3), below(3), below(2)], [-1, ...sizes]);
  },
  "reverse and gather": (a, _b, { pick }) => {
    const axis = pick([1, 2, 3]);
    const places = Array.from({ length: a.shape[axis] }, (_, i) => (i * 5 + 1) % a.shape[axis]);
    return tf.gather(tf.reverse(a, pick([1, 2, 3])), tf.tensor1d(places, "int32"), axis);
  },
  "tile and mean": (a, _b, { pick }) => {
    const reps = pick([[1, 1, 1, 2], [1, 2, 1, 1], [1, 1, 3, 1]]);
    const axis = reps.findIndex((times) => times > 1);
    const split = a.shape.toSpliced(axis, 1, reps[axis], a.shape[axis]);
    return tf.mean(tf.reshape(tf.tile(a, reps), split), axis);
  },
  cumsum: (a, _b, { pick }) => tf.cumsum(a, pick([1, 2, 3])),
  attention: (a, b) => {
    const [batch, height, width, channels] = a.shape;
    const rows = (x: Image) => tf.reshape(x, [batch, height, width * channels]) as tf.Tensor3D;
    const scores = tf.softmax(tf.matMul(rows(a), rows(like(b, a)), false, true));
    return like(tf.matMul(scores, rows(a)), a);
  },
  "a product of turned matrices": (a, b) => {
    const [batch, height, width, channels] = a.shape;
    const wide = tf.transpose(tf.reshape(b, [batch, height * width, channels]), [0, 2, 1]);
    const sides = tf.matMul(tf.reshape(a, [batch, height * width, channels]), wide, true, true);
    return tf.add(a, tf.reshape(tf.mean(sides, 1), [batch, 1, 1, channels]));
  },
  linear: (a, _b, { constant }) => {
    const [batch, height, width, channels] = a.shape;
    const rows = tf.reshape(a, [batch * height * width, channels]) as tf.Tensor2D;
    return like(tf.matMul(rows, constant([channels, channels]) as tf.Tensor2D), a);
  },
  convolve: (a, _b, { constant, pick }) => {
    const size = pick([1, 3]), channels = a.shape[3];
    const filter = constant([size, size, channels, channels]) as Image;
    return tf.fused.conv2d({ x: a, filter, bias: constant([channels]), strides: 1, pad: "same" });
  },
  "enlarge and pool": (a) => tf.avgPool(upsample(a), 2, 2, "valid"),
  pool: (a) => tf.maxPool(a, 3, 1, "same"),
  "norm of groups": (a, _b, { constant, pick }) => {
    const channels = a.shape[3];
    const groups = pick([1, 2, 3, 4].filter((count) => channels % count === 0));
    return groupNorm(a, constant([channels]) as tf.Tensor1D, constant([channels]) as tf.Tensor1D, { groups, eps: 0.1 });
  },
  where: (a, b) => tf.where(tf.greater(a, like(b, a)), a, tf.neg(like(b, a))),
};

const NAMES = Object.keys(STEPS);

/** A random expression: each step takes two of the values before it. */
const expression = (seed: number, used: (name: string) => void) => (...inputs: Image[]): tf.Tensor => {
  const values = [...inputs];
  for (let step = 0; step < 8; step++) {
    let drawn = 0;
    const below = (count: number) => Math.floor(uniform(seed, 0, step, drawn++, 0) * count);
    const pick = <T>(list: readonly T[]) => list[below(list.length)];
    const constant = (shape: number[]) => tf.tensor(randomValues(shape, 100 * seed + 10 * step + drawn++), shape);
    const name = pick(NAMES);
    used(name);
    values.push(tf.tanh(STEPS[name](pick(values), pick(values), { below, pick, constant })) as Image);
  }
  const [last, ...others] = values.slice(-3).reverse();
  return others.reduce((sum, value) => tf.add(sum, like(value, last)) as Image, last);
};

const EXPRESSIONS = 60;
const COUNTS = [2, 1, 3, 7];

onOnnx(
  `${EXPRESSIONS} random expressions of tensors in any order in memory are cpu's to 1e-5, recorded once for ${COUNTS} rows, ` +
    "for those rows alone, or run one by one",
  async () => {
    const inputs = (seed: number, rows: number) =>
      [0, 1].map((k) => tf.tensor(randomValues([rows, 2, 3, 4], seed + 1000 * k), [rows, 2, 3, 4]) as Image);
    const outcome = (fn: (...inputs: Image[]) => tf.Tensor, seed: number, rows: number) =>
      withoutLeaks(() =>
        tf.tidy(() => {
          const out = fn(...inputs(seed, rows));
          return { shape: out.shape, values: out.dataSync() as Float32Array };
        })
      );
    const seeds = Array.from({ length: EXPRESSIONS }, (_, seed) => seed);
    const used = new Set<string>();

    await openEngine("cpu");
    const expected = seeds.map((seed) =>
      COUNTS.map((rows) => outcome(expression(seed, (name) => used.add(name)), seed, rows))
    );
    assertEquals([...used].sort(), [...NAMES].sort());

    await openEngine("onnx");
    for (const seed of seeds) {
      const names: string[] = [];
      const value = expression(seed, (name) => names.push(name));
      const anyRows = compile(value, { byRow: true }), oneCount = compile(value);
      for (const [i, rows] of COUNTS.entries()) {
        const kinds = { "any rows": anyRows, ...(i === 0 ? { "rows alone": oneCount, "one by one": value } : {}) };
        for (const [kind, fn] of Object.entries(kinds)) {
          const { shape, values } = outcome(fn, seed, rows);
          const what = `expression ${seed} of ${rows} rows, ${kind}: ${names.slice(0, 8).join(", ")}`;
          assertEquals(shape, expected[seed][i].shape, what);
          assertLess(relativeError(values, expected[seed][i].values), 1e-5, what);
        }
      }
      // Once for any number of rows, once for two alone, once for what is not recorded.
      assertEquals(names.length, 3 * 8, `expression ${seed}`);
      anyRows.dispose();
      oneCount.dispose();
    }
  },
);

/** How many of an operator are recorded for a function of images. */
const countOf = (operator: string, fn: (x: Image) => tf.Tensor): number => {
  const graph = new OnnxGraph();
  const x = graph.input("x", [ANY_ROWS, 8, 8, 16], "float32");
  const [y] = (tf.backend() as OnnxBackend).record(graph, [x], ([x]) => [fn(x as Image)]);
  return new TextDecoder("latin1").decode(graph.encode({ y })).split(operator).length - 1;
};

onOnnx("images are transposed where they come and go alone, and before and after attention, as its keys are", () => {
  const shapes: Record<string, number[]> = {
    "conv1.weight": [3, 3, 16, 16],
    "conv2.weight": [3, 3, 16, 16],
    "time_emb_proj.weight": [4, 16],
    ...Object.fromEntries(["to_q", "to_k", "to_v", "to_out.0"].map((part) => [`${part}.weight`, [16, 16]])),
  };
  const weights = new Weights(
    new Map([
      ...Object.entries(shapes).map(([name, shape], i) =>
        [`at.${name}`, tf.tensor(randomValues(shape, i), shape)] as const
      ),
      ...["norm1.weight", "norm2.weight", "group_norm.weight"].map((name) => [`at.${name}`, tf.ones([16])] as const),
      ...[
        ...Object.keys(shapes).map((name) => name.replace("weight", "bias")),
        "norm1.bias",
        "norm2.bias",
        "group_norm.bias",
      ]
        .map((name) => [`at.${name}`, tf.zeros([16])] as const),
    ]),
  );
  const options = { groups: 4, eps: 1e-5 };
  const block = (x: Image) =>
    residualBlock(x, tf.ones([1, 4]), weights, "at", { ...options, timeScaleShift: "default" });
  const attend = (x: Image) => attention(x, weights, "at", { ...options, headDim: 16 });
  assertEquals(countOf("Transpose", block), 2);
  assertEquals(
    countOf(
      "Transpose",
      (x) => block(upsample(block(tf.slice(tf.concat([x, block(x)], 3), 0, [-1, 8, 8, 16]) as Image))),
    ),
    2,
  );
  assertEquals(countOf("Transpose", (x) => block(attend(block(x)))), 2 + 3);
  weights.dispose();
});

onOnnx("a tensor of values in another order is read, reshaped, computed with and captured in that of its shape", () => {
  tf.tidy(() => {
    // As it lies, [C, H, W]; of the shape [H, W, C].
    const order = [2, 0, 1], shape = [2, 3, 4];
    const values = Float32Array.from({ length: 24 }, (_, i) => i);
    const expected = [...tf.transpose(tf.tensor(values, [4, 2, 3]), [1, 2, 0]).dataSync()];
    const made = () => tensorInOrder(values, shape, order);
    assertEquals([...made().dataSync()], expected);
    assertEquals([...tf.reshape(made(), [24]).dataSync()], expected);
    assertEquals([...tf.clone(made()).dataSync()], expected);
    assertEquals([...tf.add(made(), 0).dataSync()], expected);
    const captured = made();
    for (
      const fn of [() => captured, () => tf.reshape(captured, [6, 4]), () => tf.mul(tf.reshape(captured, [24]), 1)]
    ) {
      const compiled = compile(fn);
      assertEquals([...compiled().dataSync()], expected);
      compiled.dispose();
    }
    assertEquals([...captured.dataSync()], expected);
  });
});
