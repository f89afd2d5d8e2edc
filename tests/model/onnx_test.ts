import { assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { ModelError } from "../../model/error.ts";
import { encodeUNetAsOnnx } from "../../model/onnx.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { sampleShape } from "../../model/unet_config.ts";
import { openPython, type PythonSession, whyNoPython } from "./python.ts";
import { makeTemporaryFolder, reasonNotToWrite } from "./temporary_folder.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));
const MODELS = fromFileUrl(new URL("../../models/", import.meta.url));

/** What evaluate_onnx.py says of a file. */
interface Report {
  readonly domains: readonly string[];
  readonly opset: number;
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly otherParameters: readonly string[];
  readonly types: readonly string[];
  readonly errors: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const reason = reasonNotToWrite ||
  await whyNoPython("torch", "diffusers", "onnx", "onnxruntime", "openvino", "numpy");

let folder: string, python: PythonSession;
Deno.test.beforeAll(async () => {
  if (reason !== "") return;
  folder = makeTemporaryFolder();
  python = openPython(await Deno.readTextFile(`${FIXTURES}evaluate_onnx.py`));
});
Deno.test.afterAll(async () => {
  if (reason !== "") return;
  await python[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

/** The networks, with the largest error that each may have in float16: about twice what was measured. */
const HALF_ERRORS: Readonly<Record<string, number>> = {
  cifar10: 2e-3,
  celebahq: 2.6e-3,
  conditional: 2.4e-3,
  learned: 2e-3,
  ddpm: 3.4e-3,
  digits: 1.6e-3,
  emoji: 1.6e-3,
};

for (const [name, halfError] of Object.entries(HALF_ERRORS)) {
  for (const [dtype, bound] of [["float32", 1e-5], ["float16", halfError]] as const) {
    const title =
      `${name} as ONNX in ${dtype}: within ${bound} of diffusers on ONNX Runtime and OpenVINO, 1, 3, 16 rows`;
    Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      const model = join(["digits", "emoji"].includes(name) ? MODELS : FIXTURES, name);
      const pipeline = await loadPipeline(model);
      const file = join(folder, `${name}-${dtype}.onnx`);
      await Deno.writeFile(file, await encodeUNetAsOnnx(pipeline, { dtype, producer: "denoise 1.2.3", name }));
      const report: Report = JSON.parse(await python.run("print(report(*sys.argv[1:]))", file, model));
      const { unet, scheduler } = pipeline, size = sampleShape(unet);
      assertEquals([report.domains, report.opset], [[""], 18]);
      assertEquals(report.inputs, {
        sample: ["FLOAT", "batch", unet.in_channels, ...size],
        timestep: ["INT64", "batch"],
        ...(unet.num_class_embeds === null ? {} : { class_labels: ["INT64", "batch"] }),
      });
      assertEquals(report.outputs, { out_sample: ["FLOAT", "batch", unet.out_channels, ...size] });
      const { prediction_type, variance_type } = scheduler;
      assertEquals(report.metadata, { producer: "denoise 1.2.3", name, prediction_type, variance_type });
      assertEquals([report.otherParameters, report.types], [[], [dtype]]);
      assertEquals(Object.values(report.errors).map((errors) => Object.keys(errors)), [["1", "3", "16"], [
        "1",
        "3",
        "16",
      ]]);
      for (const [runtime, errors] of Object.entries(report.errors)) {
        for (const [rows, error] of Object.entries(errors)) {
          assertLess(error, bound, `${runtime}, ${rows} rows`);
        }
      }
    });
  }
}

const OPTIONS = { producer: "denoise 1.2.3", name: "x" };

Deno.test("encodeUNetAsOnnx leaves tfjs on the engine that was open, and no tensors", async () => {
  await openEngine("wasm");
  const before = tf.memory().numTensors;
  const pipeline = await loadPipeline(join(FIXTURES, "conditional"));
  const file = await encodeUNetAsOnnx(pipeline, OPTIONS);
  assertEquals([tf.getBackend(), tf.memory().numTensors], ["wasm", before]);
  assertEquals(tf.tidy(() => [...tf.add(tf.tensor1d([1, 2]), 3).dataSync()]), [4, 5]);
  assertEquals(await encodeUNetAsOnnx(pipeline, OPTIONS), file, "the same bytes again");
});

Deno.test("encodeUNetAsOnnx refuses weights that float16 or a file cannot hold", async () => {
  const pipeline = await loadPipeline(join(FIXTURES, "conditional"));
  const withBias = (data: Float32Array<ArrayBuffer>) => ({
    ...pipeline,
    weights: new Map(pipeline.weights).set("conv_in.bias", { shape: [8], data }),
  });
  const large = withBias(new Float32Array(8).fill(-65520));
  await assertRejects(
    () => encodeUNetAsOnnx(large, { ...OPTIONS, dtype: "float16" }),
    RangeError,
    "conv_in.bias: value must be in [-65504, 65504] for float16, received -65520",
  );
  assertGreater((await encodeUNetAsOnnx(large, OPTIONS)).length, 0);
  const many = withBias({ length: 2 ** 29 } as Float32Array<ArrayBuffer>);
  await assertRejects(() => encodeUNetAsOnnx(many, OPTIONS), ModelError, "its weights must be below 2 GiB");
});
