import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadPipeline } from "../../model/pipeline.ts";
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

testCommandLine("export refuses a folder that is there, and what is no model", async (folder) => {
  const refuses = async (message: string, ...args: string[]) => {
    const { code, stderr } = await run("export", ...args);
    assertEquals(code, 2);
    assertStringIncludes(stderr, message);
  };
  await refuses("--out must be a folder that is not there yet", MODEL, folder);
  await refuses("error: ", folder, join(folder, "out"));
  await refuses("--dtype must be one of float32, float16", MODEL, join(folder, "out"), "--dtype", "int8");
  assertEquals(namesBelow(folder), []);
});
