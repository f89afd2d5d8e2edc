import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { type EngineName, openEngine } from "../../engine/mod.ts";
import { attention, conv, groupNorm, linear, residualBlock, silu, upsample } from "../../model/layers.ts";
import { toEngineLayout, toStoredLayout, Weights } from "../../model/weights.ts";
import { assertWithin } from "../engine/assert_within.ts";
import { gradientsOf, slopeAlong, type Subject } from "../engine/finite_differences.ts";
import { randomValues } from "../engine/random_values.ts";
import { relativeError } from "../engine/relative_error.ts";
import { whyNot } from "../engine/why_not.ts";
import { withoutLeaks } from "../engine/without_leaks.ts";

interface Stored {
  shape: number[];
  data: number[];
}

interface Golden {
  inputs: Record<string, Stored>;
  parameters: Record<string, Stored>;
  cotangent: Stored;
  out: Stored;
  gradients: Record<string, Stored>;
  // deno-lint-ignore no-explicit-any
  options?: any;
}

interface GroupNormGolden extends Golden {
  groups: number;
  eps: number;
  mean: number;
  spread: number;
}

const goldens: { group_norm: GroupNormGolden[] } & Record<string, Golden[]> = JSON.parse(
  await Deno.readTextFile(fromFileUrl(new URL("../fixtures/model/layers.json", import.meta.url))),
);

const floats = ({ data }: Stored) => Float32Array.from(data);

type Layer = (inputs: tf.Tensor[], weights: Weights) => tf.Tensor;

/** Output and gradients of a layer on the current engine, the parameters' gradients in diffusers' layout. */
const evaluate = (layer: Layer, golden: Golden) =>
  withoutLeaks(() => {
    const names = Object.keys(golden.parameters);
    const count = Object.keys(golden.inputs).length;
    const parameters = names.map((name) => {
      const { shape, data } = golden.parameters[name];
      return toEngineLayout(name, { shape, data: Float32Array.from(data) });
    });
    const subject: Subject = {
      shapes: [
        ...Object.values(golden.inputs).map(({ shape }) => shape),
        ...parameters.map(({ shape }) => [...shape]),
      ],
      compute: (...tensors) =>
        layer(
          tensors.slice(0, count),
          new Weights(new Map(names.map((name, i) => [`at.${name}`, tensors[count + i]]))),
        ),
    };
    const inputs = [...Object.values(golden.inputs).map(floats), ...parameters.map(({ data }) => data)];
    const gradients = gradientsOf(subject, inputs, floats(golden.cotangent));
    const out = tf.tidy(() => {
      const tensor = subject.compute(...inputs.map((values, k) => tf.tensor(values, subject.shapes[k])));
      return { shape: tensor.shape, values: tensor.dataSync() as Float32Array };
    });
    return {
      out,
      gradients: Object.fromEntries(
        [...Object.keys(golden.inputs), ...names].map((name, k) => {
          const { shape, values } = gradients[k];
          const stored = { shape, data: values as Float32Array<ArrayBuffer> };
          return [name, k < count ? stored : toStoredLayout(name, stored)];
        }),
      ),
    };
  });

interface Limits {
  output?: number;
  gradient?: number;
  /** The row of the engine matrix. */
  suite?: string;
}

type Compare = (what: string, layer: Layer, golden: Golden, options?: Limits) => void;

const compareOn = (engine: EngineName): Compare => (what, layer, golden, options = {}) => {
  const { output = 1e-6, gradient = 1e-5, suite = "layers" } = options;
  const { out, gradients } = evaluate(layer, golden);
  assertEquals(out.shape, golden.out.shape, what);
  assertWithin(relativeError(out.values, golden.out.data), output, { suite, quantity: "output", engine }, what);
  for (const [name, expected] of Object.entries(golden.gradients)) {
    // A key's bias cannot change a softmax: its gradient is rounding around 0.
    if (name === "to_k.bias") continue;
    assertEquals([...gradients[name].shape], expected.shape, `${what}: shape of the gradient of ${name}`);
    const difference = relativeError(gradients[name].data, expected.data);
    assertWithin(difference, gradient, { suite, quantity: "gradients", engine }, `${what}: gradient of ${name}`);
  }
};

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software", "cpu"] as const) {
  const reason = whyNot(engine);
  const compare = compareOn(engine);
  const layerTest = (name: string, run: () => void) =>
    Deno.test(`${name} on ${engine} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      await openEngine(engine);
      run();
    });

  layerTest(
    "groupNorm: output and gradients are PyTorch's in float64, with one group, one a channel, and far means",
    () => {
      for (const golden of goldens.group_norm) {
        const { groups, eps, mean, spread } = golden;
        // x itself is rounded to float32 by 6e-8 of its size, which the norm magnifies to units of the spread.
        const magnified = 6e-8 * Math.abs(mean) / Math.sqrt(spread ** 2 + eps);
        // onnx scales x before it takes the mean away: one such rounding more.
        const roundings = engine === "onnx" ? 2 : 1;
        compare(
          `${groups} groups, mean ${mean} ± ${spread}`,
          ([x], weights) =>
            groupNorm(x as tf.Tensor4D, weights.get("at.weight"), weights.get("at.bias"), { groups, eps }),
          golden,
          {
            output: 1e-6 + roundings * magnified,
            gradient: 1e-5 + 2 * magnified,
            suite: magnified > 1e-6 ? "layers, means far from 0" : "layers",
          },
        );
      }
    },
  );

  layerTest("silu: output and gradient are PyTorch's, from −10,000 to 10,000", () => {
    for (const golden of goldens.silu) {
      const { out, gradients } = evaluate(([x]) => silu(x), golden);
      // Element by element, since the sizes differ by 10⁷.
      for (const [i, expected] of golden.out.data.entries()) {
        const x = golden.inputs.x.data[i];
        // onnx's sigmoid is 0 below −18, where silu is −3e-7.
        const floor = engine === "onnx" && x < -18 ? 0.3 : 1e-6;
        const difference = Math.abs(out.values[i] - expected) / (Math.abs(expected) + floor);
        assertWithin(difference, 1e-6, { suite: "silu", quantity: "each output", engine }, `silu(${x})`);
      }
      for (const [i, expected] of golden.gradients.x.data.entries()) {
        const difference = Math.abs(gradients.x.data[i] - expected);
        assertWithin(
          difference,
          1e-6,
          { suite: "silu", quantity: "each gradient", engine },
          `silu'(${golden.inputs.x.data[i]})`,
        );
      }
    }
  });

  layerTest("upsample: output and gradient are diffusers'", () => {
    for (const golden of goldens.upsample) compare("upsample", ([x]) => upsample(x as tf.Tensor4D), golden);
  });

  layerTest(
    "attention: output and gradients are diffusers', with one head, several, without norm, and rescaled",
    () => {
      for (const golden of goldens.attention) {
        compare(
          JSON.stringify(golden.options),
          ([x], weights) => attention(x as tf.Tensor4D, weights, "at", golden.options),
          golden,
        );
      }
    },
  );

  layerTest("residualBlock: output and gradients are diffusers', both ways of time, with and without shortcut", () => {
    for (const golden of goldens.residual_block) {
      compare(
        JSON.stringify(golden.options),
        ([x, embedding], weights) =>
          residualBlock(x as tf.Tensor4D, silu(embedding) as tf.Tensor2D, weights, "at", golden.options),
        golden,
      );
    }
  });
}

const named = (shapes: Record<string, number[]>, run: (weights: Weights, x: tf.Tensor4D) => tf.Tensor): Subject => {
  const names = Object.keys(shapes);
  return {
    shapes: Object.values(shapes),
    compute: (...tensors) =>
      run(new Weights(new Map(names.map((name, i) => [`at.${name}`, tensors[i]]))), tensors[0] as tf.Tensor4D),
  };
};

const attentionShapes = (channels: number) =>
  Object.fromEntries(
    ["to_q", "to_k", "to_v", "to_out.0"].flatMap((part) => [
      [`${part}.weight`, [channels, channels]],
      [`${part}.bias`, [channels]],
    ]),
  );

const blockShapes = (inputs: number, outputs: number, embedding: number) => ({
  "norm1.weight": [inputs],
  "norm1.bias": [inputs],
  "conv1.weight": [3, 3, inputs, outputs],
  "conv1.bias": [outputs],
  "time_emb_proj.weight": [4, embedding],
  "time_emb_proj.bias": [embedding],
  "norm2.weight": [outputs],
  "norm2.bias": [outputs],
  "conv2.weight": [3, 3, outputs, outputs],
  "conv2.bias": [outputs],
});

const norms = (groups: number) => ({
  subject: named(
    { x: [2, 3, 4, 6], weight: [6], bias: [6] },
    (w, x) => groupNorm(x, w.get("at.weight"), w.get("at.bias"), { groups, eps: 1e-5 }),
  ),
});

const convolution = (size: number, options: Parameters<typeof conv>[3]) => ({
  subject: named(
    { x: [2, 5, 6, 3], weight: [size, size, 3, 4], bias: [4] },
    (w, x) => conv(x, w.get("at.weight"), w.get("at.bias"), options),
  ),
});

const block = (inputs: number, timeScaleShift: "default" | "scale_shift", rescale = 1) => ({
  subject: named(
    {
      x: [2, 3, 4, inputs],
      embedding: [2, 4],
      ...blockShapes(inputs, 4, timeScaleShift === "default" ? 4 : 8),
      ...(inputs === 4 ? {} : { "conv_shortcut.weight": [1, 1, inputs, 4], "conv_shortcut.bias": [4] }),
    },
    (w, x) => residualBlock(x, w.get("at.embedding"), w, "at", { groups: 2, eps: 1e-5, timeScaleShift, rescale }),
  ),
});

const SUBJECTS: Record<string, { subject: Subject }> = {
  "silu": { subject: { shapes: [[2, 3, 4]], compute: (x) => silu(x) } },
  "groupNorm of one group": norms(1),
  "groupNorm of two groups": norms(2),
  "groupNorm of a group a channel": norms(6),
  "conv 3×3": convolution(3, { padding: 1 }),
  "conv 3×3, stride 2": convolution(3, { strides: 2, padding: 1 }),
  "conv 3×3, stride 2, padded right and below": convolution(3, { strides: 2, padding: { before: 0, after: 1 } }),
  "conv 3×3, unpadded": convolution(3, { padding: 0 }),
  "conv 1×1": convolution(1, { padding: 0 }),
  "linear": {
    subject: {
      shapes: [[3, 5], [5, 4], [4]],
      compute: (x, w, b) => linear(x as tf.Tensor2D, w as tf.Tensor2D, b as tf.Tensor1D),
    },
  },
  "attention of one head": {
    subject: named(
      { x: [2, 2, 3, 6], ...attentionShapes(6), "group_norm.weight": [6], "group_norm.bias": [6] },
      (w, x) => attention(x, w, "at", { headDim: 6, groups: 3, eps: 1e-5 }),
    ),
  },
  "attention of three heads without norm, rescaled": {
    subject: named(
      { x: [2, 2, 3, 6], ...attentionShapes(6) },
      (w, x) => attention(x, w, "at", { headDim: 2, groups: null, eps: 1e-5, rescale: 1.5 }),
    ),
  },
  "residualBlock": block(4, "default"),
  "residualBlock with shortcut": block(6, "default"),
  "residualBlock, scale-shift": block(4, "scale_shift"),
  "residualBlock, scale-shift, with shortcut, rescaled": block(6, "scale_shift", 1.5),
  "upsample": { subject: { shapes: [[2, 2, 3, 3]], compute: (x) => upsample(x as tf.Tensor4D) } },
};

const checkGradients = async ({ subject, engine }: { subject: Subject; engine: EngineName }) => {
  // Half of a normal value each, so that no softmax and no square leaves the reach of a finite step.
  const inputs = subject.shapes.map((shape, k) => randomValues(shape, 20 + k).map((value) => value / 2));
  await openEngine("cpu");
  const { shape } = tf.tidy(() => subject.compute(...subject.shapes.map((shape) => tf.ones(shape))));
  const cotangent = randomValues(shape, 5);
  const onCpu = gradientsOf(subject, inputs, cotangent);
  await openEngine(engine);
  const gradients = withoutLeaks(() => gradientsOf(subject, inputs, cotangent));

  let squares = 0;
  for (const { values } of onCpu) for (const value of values) squares += value ** 2;
  assert(squares > 1e-2);
  const size = Math.sqrt(squares);
  for (const [k, { values }] of gradients.entries()) {
    assertEquals(gradients[k].shape, subject.shapes[k]);
    // In units of the whole gradient, since some of its parts are zero but for rounding.
    const difference = Math.max(...values.map((value, i) => Math.abs(value - onCpu[k].values[i])));
    const kind = { suite: "layers' gradients", quantity: "from cpu's", engine };
    assertWithin(difference / size, 1e-5, kind, `gradient ${k}`);
  }
  // Along one input at a time, and along all at once.
  for (let only = -1; only < inputs.length; only++) {
    const direction = subject.shapes.map((shape, k) => {
      const values = randomValues(shape, 100 + 10 * only + k);
      const scale = 1 / Math.hypot(...values);
      return only >= 0 && k !== only ? values.fill(0) : values.map((value) => value * scale);
    });
    const expected = gradients.reduce(
      (sum, { values }, k) => sum + values.reduce((part, value, i) => part + value * direction[k][i], 0),
      0,
    );
    const difference = Math.abs(slopeAlong(subject, inputs, cotangent, direction) - expected);
    const kind = { suite: "layers' gradients", quantity: "from finite differences", engine };
    assertWithin(difference / size, 1e-4, kind, `along ${only}`);
  }
};

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  for (const [name, { subject }] of Object.entries(SUBJECTS)) {
    const title = `${name}: the gradient on ${engine} is cpu's to 1e-5 and the slope along random directions to 1e-4`;
    Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, () => checkGradients({ subject, engine }));
  }
}
