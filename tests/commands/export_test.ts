import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { run, testCommandLine } from "./run_main.ts";

const MODEL = "tests/fixtures/tiny-model";

const namesBelow = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? namesBelow(join(folder, name)).map((inner) => join(name, inner)) : [name]
  ).sort();

testCommandLine("export writes a model alone, in either format", async (folder) => {
  const whole = await loadPipeline(MODEL);
  for (const [dtype, width] of [["float32", 4], ["float16", 2]] as const) {
    const out = join(folder, dtype);
    const { code, stdout, stderr } = await run("export", MODEL, out, "--dtype", dtype);
    assertEquals([code, stderr], [0, ""]);
    const written = await loadPipeline(out);
    assertEquals(
      { ...written, folder: "", weights: null },
      { ...whole, folder: "", weights: null },
    );
    let values = 0;
    for (const [name, { shape, data }] of whole.weights) {
      const copy = written.weights.get(name)!;
      assertEquals([...copy.shape], [...shape]);
      assertEquals(copy.data, width === 4 ? data : Float32Array.from(data, Math.f16round));
      values += data.length;
    }
    assertEquals(namesBelow(out), [
      "denoise.json",
      "model_index.json",
      "scheduler/scheduler_config.json",
      "unet/config.json",
      "unet/diffusion_pytorch_model.safetensors",
    ]);
    const { bytes } = JSON.parse(stdout);
    const weights = Deno.statSync(join(out, "unet/diffusion_pytorch_model.safetensors")).size;
    assert(weights > width * values && weights < width * values + 32_768, `${weights} bytes for ${values} values`);
    assert(bytes > weights, `${bytes} in all`);
  }
});

testCommandLine(
  "export writes the network as ONNX in the place of its weights, without leave to load a library",
  async (folder) => {
    for (const [dtype, width] of [["float32", 4], ["float16", 2]] as const) {
      const out = join(folder, dtype);
      const { code, stdout, stderr } = await run("export", MODEL, out, "--format", "onnx", "--dtype", dtype);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(namesBelow(out), [
        "denoise.json",
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/model.onnx",
      ]);
      const { weights } = await loadPipeline(MODEL);
      const values = weights.values().reduce((sum, { data }) => sum + data.length, 0);
      const { size } = Deno.statSync(join(out, "unet/model.onnx"));
      assert(size > width * values && size < width * values + 131_072, `${size} bytes for ${values} values`);
      assert(JSON.parse(stdout).bytes > size);
    }
  },
);

testCommandLine(
  "export leaves nothing of a model whose weights float16 cannot hold, in either format",
  async (folder) => {
    const pipeline = await loadPipeline(MODEL);
    const model = join(folder, "model"), out = join(folder, "out");
    const bias = { shape: [8], data: new Float32Array(8).fill(1e6) };
    await savePipeline({ ...pipeline, folder: model, weights: new Map(pipeline.weights).set("conv_in.bias", bias) });
    for (const format of ["safetensors", "onnx"]) {
      const { code, stderr } = await run("export", model, out, "--format", format, "--dtype", "float16");
      assertEquals(code, 2);
      assertStringIncludes(
        stderr,
        `--dtype must be float32 for ${model}: conv_in.bias: value must be in [-65504, 65504]`,
      );
      assertEquals(stderr.trimEnd().split("\n").length, 1);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["model"]);
    }
  },
);

testCommandLine("export refuses a folder that is there, and what is no model", async (folder) => {
  const refuses = async (message: string, ...args: string[]) => {
    const { code, stderr } = await run("export", ...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, message);
  };
  await refuses("--out must be a folder that is not there yet", MODEL, folder);
  await refuses("error: ", folder, join(folder, "out"));
  await refuses("--format must be one of safetensors, onnx", MODEL, join(folder, "out"), "--format", "pickle");
  await refuses("--dtype must be one of float32, float16", MODEL, join(folder, "out"), "--dtype", "int8");
  assertEquals(namesBelow(folder), []);
});
