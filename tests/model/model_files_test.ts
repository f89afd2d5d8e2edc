import { assertEquals, assertLess, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { type EngineName, openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { ModelError } from "../../model/error.ts";
import { loadPipeline, type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { encodeSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { randomValues } from "../engine/random_values.ts";
import { relativeError } from "../engine/relative_error.ts";
import { whyNot } from "../engine/why_not.ts";
import { openPython, type PythonSession, whyNoPython } from "./python.ts";
import { reasonNotToWrite, writingTest } from "./temporary_folder.ts";

const FIXTURE = fromFileUrl(new URL("../fixtures/model/ddpm", import.meta.url));
const STEM = "diffusion_pytorch_model";
const WEIGHTS = `${STEM}.safetensors`;

/** Copies a model's U-Net to `folder`, with its weights under `name`. */
const bare = async (folder: string, name = WEIGHTS): Promise<void> => {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(join(folder, "config.json"), await Deno.readFile(join(FIXTURE, "unet", "config.json")));
  await Deno.writeFile(join(folder, name), await Deno.readFile(join(FIXTURE, "unet", WEIGHTS)));
};

const OLD_PARTS: Record<string, string> = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" };

const oldNames = (weights: Pipeline["weights"]): Map<string, StoredTensor> =>
  new Map(
    [...weights].map(([name, tensor]) => [
      name.replace(/(?<=attentions\.\d+\.)(to_q|to_k|to_v|to_out\.0)(?=\.)/, (part) => OLD_PARTS[part]),
      tensor,
    ]),
  );

const inOrder = (weights: Pipeline["weights"]) => [...weights].sort(([a], [b]) => a < b ? -1 : 1);

writingTest("loadPipeline opens a bare U-Net's folder, with the scheduler beside it or the paper's", async (folder) => {
  const pipeline = await loadPipeline(FIXTURE);
  await bare(folder);
  assertEquals(await loadPipeline(folder), { ...pipeline, folder, scheduler: parseSchedulerConfig({}) });

  const config = { beta_schedule: "scaled_linear", variance_type: "fixed_large", clip_sample: false };
  await Deno.writeTextFile(join(folder, "scheduler_config.json"), JSON.stringify(config));
  assertEquals((await loadPipeline(folder)).scheduler, parseSchedulerConfig(config));
  await Deno.writeTextFile(join(folder, "scheduler_config.json"), '{"thresholding": true}');
  await assertRejects(() => loadPipeline(folder), ModelError, `Cannot read ${join(folder, "scheduler_config.json")}: `);
});

writingTest("loadPipeline opens the U-Net's folder of a pipeline as a bare one", async () => {
  const folder = join(FIXTURE, "unet");
  assertEquals((await loadPipeline(folder)).weights, (await loadPipeline(FIXTURE)).weights);
});

writingTest(
  "loadPipeline takes variants of the weights by their names, those in full precision first",
  async (folder) => {
    const { weights } = await loadPipeline(FIXTURE);
    for (const variant of ["bf16", "fp16"]) {
      const alone = join(folder, variant);
      await bare(alone, `${STEM}.${variant}.safetensors`);
      assertEquals((await loadPipeline(alone)).weights, weights);
      await Deno.writeTextFile(join(alone, `${STEM}.bin`), "a pickle beside");
      assertEquals((await loadPipeline(alone)).weights, weights);
    }
    const both = join(folder, "fp16");
    const zeros = new Map([...weights].map(([name, { shape, data }]) => [name, { shape, data: data.map(() => 0) }]));
    await Deno.writeFile(join(both, WEIGHTS), encodeSafetensors(zeros));
    assertEquals((await loadPipeline(both)).weights.get("conv_in.weight")!.data.every((v) => v === 0), true);
  },
);

writingTest("loadPipeline refuses shards and pickles in one line that says how to convert them", async (folder) => {
  const cases: [string, string[], string][] = [
    ["shards", [`${WEIGHTS}.index.json`, `${STEM}-00001-of-00002.safetensors`], "its weights are in shards, which are"],
    ["variant", [`${STEM}.safetensors.index.fp16.json`], "its weights are in shards, which are not read; convert them"],
    ["pickle", [`${STEM}.bin`], "its weights are pickled (.bin), which can run code and is not read; convert them in"],
    ["fp16-pickle", [`${STEM}.fp16.bin`], "its weights are pickled (.bin)"],
  ];
  for (const [name, files, message] of cases) {
    for (const unet of [join(folder, name), join(folder, `pipeline-${name}`, "unet")]) {
      await bare(unet);
      await Deno.remove(join(unet, WEIGHTS));
      for (const file of files) await Deno.writeTextFile(join(unet, file), "{}");
      const root = unet.endsWith("unet") ? join(unet, "..") : unet;
      const error = await assertRejects(() => loadPipeline(root), ModelError, `Cannot read ${unet}: ${message}`);
      assertStringIncludes(error.message, `UNet2DModel.from_pretrained("${unet}").save_pretrained("FOLDER"`);
      assertEquals(error.message.includes("\n"), false);
    }
  }
});

writingTest("loadPipeline names the weights that a bare folder lacks", async (folder) => {
  await bare(folder);
  await Deno.remove(join(folder, WEIGHTS));
  await assertRejects(() => loadPipeline(folder), ModelError, `Cannot read ${join(folder, WEIGHTS)}: there is no such`);
});

writingTest("loadPipeline reads attentions by their old names, and refuses a tensor under both", async (folder) => {
  const { weights } = await loadPipeline(FIXTURE);
  const old = oldNames(weights);
  assertEquals([...old.keys()].filter((name) => /\.(query|key|value|proj_attn)\./.test(name)).length % 8, 0);
  assertNotEquals([...old.keys()], [...weights.keys()]);
  await bare(folder);
  const write = (tensors: Map<string, StoredTensor>) =>
    Deno.writeFile(join(folder, WEIGHTS), encodeSafetensors(tensors));
  await write(old);
  assertEquals(inOrder((await loadPipeline(folder)).weights), inOrder(weights));

  const name = "mid_block.attentions.0";
  await write(new Map([...weights, [`${name}.query.weight`, weights.get(`${name}.to_q.weight`)!]]));
  const both = `tensor ${name}.query.weight is none of this network's`;
  await assertRejects(() => loadPipeline(folder), ModelError, both);

  old.set(`${name}.key.weight`, { shape: [16, 16, 1, 1], data: new Float32Array(256) });
  await write(old);
  const shape = `tensor ${name}.to_k.weight must have shape [16,16], received [16,16,1,1]`;
  await assertRejects(() => loadPipeline(folder), ModelError, shape);
});

writingTest("loadPipeline refuses a learned variance that the network has no output for", async (folder) => {
  await bare(folder);
  await Deno.writeTextFile(join(folder, "scheduler_config.json"), '{"variance_type": "learned_range"}');
  await assertRejects(
    () => loadPipeline(folder),
    ModelError,
    "out_channels must be 6 for in_channels 3 and variance_type learned_range, received 3",
  );
});

const noPython = reasonNotToWrite || await whyNoPython("torch", "diffusers");

/** Inputs for both sides: two images and their timesteps. */
const TIMESTEPS = [3, 977];
const INPUT = randomValues([2, 8, 8, 3], 1);

const evaluate = async (folder: string, engine: EngineName = "wasm"): Promise<Float32Array> => {
  const denoiser = createDenoiser(await openEngine(engine), await loadPipeline(folder));
  const out = denoiser.evaluate(INPUT, TIMESTEPS, null).slice();
  denoiser.dispose();
  return out;
};

const PYTHON_EPSILON = `
import json, sys
import numpy as np, torch
from diffusers import DDPMPipeline, UNet2DModel
x = np.array(${JSON.stringify([...INPUT])}, np.float32).reshape(2, 8, 8, 3)
x = torch.from_numpy(x).permute(0, 3, 1, 2)
def epsilon(unet):
    with torch.no_grad():
        return unet.float().eval()(x, torch.tensor([3, 977])).sample.permute(0, 2, 3, 1).flatten().tolist()
`;

let session: PythonSession | null = null;
Deno.test.afterAll(async () => await session?.[Symbol.asyncDispose]());

const ask = async <T>(code: string, ...args: string[]): Promise<T> => {
  session ??= openPython(PYTHON_EPSILON);
  return JSON.parse(await session.run(code, ...args));
};

writingTest(
  "diffusers opens what savePipeline wrote in F16, as pipeline and as bare U-Net, and draws the same ε to 1e-5",
  async (folder) => {
    const model = { ...await loadPipeline(FIXTURE), folder };
    await savePipeline(model, { dtype: "F16" });
    const size = (await Deno.stat(join(folder, "unet", WEIGHTS))).size;
    assertLess(size, 0.75 * (await Deno.stat(join(FIXTURE, "unet", WEIGHTS))).size);
    const out = await evaluate(folder);
    const read = await ask<{ epsilons: number[][]; dtypes: string[] }>(
      `
folder = sys.argv[1]
unets = [DDPMPipeline.from_pretrained(folder).unet, UNet2DModel.from_pretrained(folder + "/unet")]
half = UNet2DModel.from_pretrained(folder + "/unet", torch_dtype=torch.float16)
print(json.dumps({"dtypes": [str(u.dtype) for u in [*unets, half]], "epsilons": [epsilon(u) for u in [*unets, half]]}))`,
      folder,
    );
    assertEquals(read.dtypes, ["torch.float32", "torch.float32", "torch.float16"]);
    for (const epsilon of read.epsilons) assertLess(relativeError(out, epsilon), 1e-5);
    const difference = relativeError(out, await evaluate(FIXTURE));
    assertEquals(difference > 1e-6 && difference < 1e-2, true, `rounding moved ε by ${difference}`);
  },
  noPython,
);

writingTest(
  "loadPipeline opens what diffusers saved: bare, as fp16 variant, as bfloat16, in float64; the same ε to 1e-5",
  async (folder) => {
    const expected = await ask<Record<string, number[]>>(
      `
source, folder = sys.argv[1:]
load = lambda: UNet2DModel.from_pretrained(source + "/unet")
results = {}
for name, dtype, variant in [("bare", torch.float32, None), ("fp16", torch.float16, "fp16"), ("bf16", torch.bfloat16, None), ("f64", torch.float64, None)]:
    unet = load().to(dtype)
    unet.save_pretrained(f"{folder}/{name}", variant=variant)
    results[name] = epsilon(unet)
pipeline = DDPMPipeline.from_pretrained(source, torch_dtype=torch.float16)
pipeline.save_pretrained(f"{folder}/pipeline", variant="fp16")
results["pipeline"] = epsilon(pipeline.unet)
print(json.dumps(results))`,
      FIXTURE,
      folder,
    );
    assertEquals(Object.keys(expected).length, 5);
    for (const engine of (["wasm", "onnx"] as const).filter((engine) => whyNot(engine) === "")) {
      for (const [name, epsilon] of Object.entries(expected)) {
        assertLess(relativeError(await evaluate(join(folder, name), engine), epsilon), 1e-5, `${name} on ${engine}`);
      }
    }
  },
  noPython,
);

writingTest(
  "loadPipeline refuses the shards and the pickle that diffusers saves, and opens them converted as its line says",
  async (folder) => {
    await ask<null>(
      `
unet = UNet2DModel.from_pretrained(sys.argv[1] + "/unet")
unet.save_pretrained(sys.argv[2] + "/shards", max_shard_size="20KB")
unet.save_pretrained(sys.argv[2] + "/pickle", safe_serialization=False)
print("null")`,
      FIXTURE,
      folder,
    );
    const weights = inOrder((await loadPipeline(FIXTURE)).weights);
    for (const name of ["shards", "pickle"]) {
      const { message } = await assertRejects(
        () => loadPipeline(join(folder, name)),
        ModelError,
        "convert them in Python",
      );
      const line = /UNet2DModel\.from_pretrained.*$/.exec(message)![0];
      await ask<null>(`${line.replace("FOLDER", join(folder, `${name}-new`))}\nprint("null")`);
      assertEquals(inOrder((await loadPipeline(join(folder, `${name}-new`))).weights), weights);
    }
  },
  noPython,
);

writingTest(
  "diffusers reads the same ε out of old names as loadPipeline does",
  async (folder) => {
    await bare(folder);
    const { weights } = await loadPipeline(FIXTURE);
    await Deno.writeFile(join(folder, WEIGHTS), encodeSafetensors(oldNames(weights)));
    const epsilon = await ask<number[]>(`print(json.dumps(epsilon(UNet2DModel.from_pretrained(sys.argv[1]))))`, folder);
    assertLess(relativeError(await evaluate(folder), epsilon), 1e-5);
  },
  noPython,
);
