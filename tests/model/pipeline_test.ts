import { assertEquals, assertLess, assertMatch, assertNotMatch, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { ModelError } from "../../model/error.ts";
import { loadPipeline, type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { encodeSafetensors, parseSafetensors, type StoredTensor } from "../../model/safetensors.ts";
import { randomValues } from "../engine/random_values.ts";
import { relativeError } from "../engine/relative_error.ts";
import { python, whyNoPython } from "./python.ts";
import { reasonNotToWrite, writingTest } from "./temporary_folder.ts";

const FIXTURES = fromFileUrl(new URL("../fixtures/model/", import.meta.url));
const INDEX = "model_index.json";
const UNET = join("unet", "config.json");
const SCHEDULER = join("scheduler", "scheduler_config.json");
const WEIGHTS = join("unet", "diffusion_pytorch_model.safetensors");

Deno.test("loadPipeline names the first file that is missing, for a folder that does not exist", async () => {
  const folder = join(FIXTURES, "nowhere");
  const error = await assertRejects(() => loadPipeline(folder), ModelError);
  assertEquals(error.message, `Cannot read ${join(folder, UNET)}: there is no such file`);
});

Deno.test("loadPipeline refuses a file as it does a damaged folder, in one line", async () => {
  const file = join(FIXTURES, "ddpm", INDEX);
  const error = await assertRejects(() => loadPipeline(file), ModelError);
  assertMatch(error.message, /^Cannot read .*model_index\.json: [^\n]+$/);
});

Deno.test({
  name: "loadPipeline does not take classes that it may not read for none",
  permissions: { read: [INDEX, "scheduler", "unet"].map((part) => join(FIXTURES, "conditional", part)) },
  fn: async () => {
    await assertRejects(() => loadPipeline(join(FIXTURES, "conditional")), Deno.errors.NotCapable, "denoise.json");
  },
});

Deno.test("loadPipeline reads the paper's checkpoints as they lie on the hub: one folder, old keys, old names", async () => {
  const { unet, scheduler, weights } = await loadPipeline(join(FIXTURES, "celebahq"));
  assertEquals([unet.attention_head_dim, unet.norm_eps, unet.downsample_padding], [null, 1e-6, 0]);
  assertEquals([scheduler.variance_type, scheduler.timestep_spacing], ["fixed_small", "leading"]);
  assertEquals(weights.get("down_blocks.4.attentions.1.to_q.weight")!.shape, [16, 16]);
  const stored = parseSafetensors(await Deno.readFile(join(FIXTURES, "celebahq", WEIGHTS.slice("unet/".length))));
  assertEquals(stored.has("down_blocks.4.attentions.1.query.weight"), true);
});

writingTest("loadPipeline opens a pipeline without an index, and one of any class of pipeline", async (folder) => {
  const model = { ...await loadPipeline(join(FIXTURES, "ddpm")), folder };
  await savePipeline(model);
  const index = JSON.parse(await Deno.readTextFile(join(folder, INDEX)));
  for (
    const change of [{ _class_name: "DDIMPipeline" }, { scheduler: ["diffusers", "DDIMScheduler"] }, {
      vae: [null, null],
    }]
  ) {
    await Deno.writeTextFile(join(folder, INDEX), JSON.stringify({ ...index, ...change }));
    assertEquals((await loadPipeline(folder)).unet, model.unet);
  }
  await Deno.remove(join(folder, INDEX));
  assertEquals((await loadPipeline(folder)).unet, model.unet);
});

Deno.test("loadPipeline reads what diffusers wrote: config with defaults, scheduler, labels by number, every tensor", async () => {
  const pipeline = await loadPipeline(join(FIXTURES, "conditional"));
  assertEquals(pipeline.unet.num_class_embeds, 5);
  assertEquals(pipeline.unet.block_out_channels, [8, 16]);
  assertEquals(pipeline.unet.norm_eps, 1e-5);
  assertEquals(pipeline.scheduler.beta_schedule, "linear");
  assertEquals(pipeline.labels, ["0", "1", "2", "3", "4"]);
  assertEquals(pipeline.nullLabel, null);
  assertEquals(pipeline.weights.get("conv_in.weight")!.shape, [8, 1, 3, 3]);
  assertEquals((await loadPipeline(join(FIXTURES, "ddpm"))).labels, null);
});

writingTest("savePipeline, then loadPipeline, gives the same model, its labels included", async (parent) => {
  for (const name of ["conditional", "ddpm", "learned"]) {
    const folder = join(parent, name);
    const read = await loadPipeline(join(FIXTURES, name));
    const labels = name === "conditional" ? ["zero", "one", "two", 'a "quote"'] : null;
    const model: Pipeline = { ...read, folder: join(folder, "new", "model"), labels, nullLabel: labels ? 4 : null };
    await savePipeline(model);
    const again = await loadPipeline(model.folder);
    // The format orders tensors by their place in the file.
    const sorted = (weights: Pipeline["weights"]) => [...weights].sort(([a], [b]) => a < b ? -1 : 1);
    assertEquals({ ...again, weights: sorted(again.weights) }, { ...model, weights: sorted(model.weights) });
    const before = await Deno.readFile(join(model.folder, WEIGHTS));
    await savePipeline(again);
    assertEquals(await Deno.readFile(join(model.folder, WEIGHTS)), before, "saved again over itself");
  }
});

writingTest(
  "loadPipeline numbers the classes that denoise.json does not name, and refuses classes without an embedding",
  async (folder) => {
    await savePipeline({ ...await loadPipeline(join(FIXTURES, "conditional")), folder });
    await Deno.writeTextFile(join(folder, "denoise.json"), '{"nullLabel": 4}');
    const { labels, nullLabel } = await loadPipeline(folder);
    assertEquals({ labels, nullLabel }, { labels: ["0", "1", "2", "3"], nullLabel: 4 });
    await savePipeline({ ...await loadPipeline(join(FIXTURES, "ddpm")), folder, labels: ["a"] });
    await assertRejects(
      () => loadPipeline(folder),
      ModelError,
      "labels and nullLabel must be null for a U-Net whose",
    );
  },
);

/** Spoils one file of a model; its content goes in, what it becomes comes out, `null` for no file. */
interface Damage {
  file: string;
  spoil: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | string | null;
  message: string | RegExp;
}

const config = (changes: Record<string, unknown>) => (bytes: Uint8Array<ArrayBuffer>) =>
  JSON.stringify({ ...JSON.parse(new TextDecoder().decode(bytes)), ...changes }, null, 2);

const weights = (change: (tensors: Map<string, StoredTensor>) => void) => (bytes: Uint8Array<ArrayBuffer>) => {
  const tensors = parseSafetensors(bytes);
  change(tensors);
  return encodeSafetensors(tensors);
};

const zeros = (shape: number[]): StoredTensor => ({
  shape,
  data: new Float32Array(shape.reduce((product, n) => product * n, 1)),
});

const DAMAGES: Record<string, Damage> = {
  "no U-Net config": { file: UNET, spoil: () => null, message: "there is no such file" },
  "no scheduler config": { file: SCHEDULER, spoil: () => null, message: "there is no such file" },
  "no weights": { file: WEIGHTS, spoil: () => null, message: "there is no such file" },
  "a U-Net with conditions": {
    file: INDEX,
    spoil: config({ unet: ["diffusers", "UNet2DConditionModel"] }),
    message: 'its unet must be a UNet2DModel, received "UNet2DConditionModel"',
  },
  "a pipeline without U-Net": {
    file: INDEX,
    spoil: config({ unet: [null, null] }),
    message: "its unet must be a UNet2DModel, received nothing",
  },
  "a transformer": {
    file: INDEX,
    spoil: config({ unet: undefined, transformer: ["diffusers", "DiTTransformer2DModel"] }),
    message: "the model has parts that are not run here: transformer (DiTTransformer2DModel)",
  },
  "a scheduler over σ, by the index": {
    file: INDEX,
    spoil: config({ scheduler: ["diffusers", "ScoreSdeVeScheduler"] }),
    message: /its scheduler must be one of DDPMScheduler, .*received "ScoreSdeVeScheduler"$/,
  },
  "an index that is a list": { file: INDEX, spoil: () => "[]", message: "Cannot use this model index: it: " },
  "an index that is no JSON": { file: INDEX, spoil: () => "index", message: "it is not JSON (" },
  "a U-Net config of another class": {
    file: UNET,
    spoil: config({ _class_name: "UNet2DConditionModel" }),
    message: /_class_name: .*"UNet2DModel", received "UNet2DConditionModel"$/,
  },
  "a U-Net config that ends early": { file: UNET, spoil: (bytes) => bytes.slice(0, 100), message: "it is not JSON (" },
  "a scheduler config with lines of no JSON": {
    file: SCHEDULER,
    spoil: () => "{\n  beta_start: 1,\n  beta_end: 2\n}\n",
    message: "it is not JSON (",
  },
  "an empty U-Net config": { file: UNET, spoil: () => "", message: "it is not JSON (" },
  "a U-Net config that is a list": { file: UNET, spoil: () => "[]", message: "Cannot use this U-Net config: it: " },
  "a class list of numbers": {
    file: "denoise.json",
    spoil: () => '{"labels": [1, 2]}',
    message: /Cannot use this class list: labels\.0: .*received 1$/,
  },
  "a class too few": {
    file: "denoise.json",
    spoil: () => '{"labels": ["a", "b"], "nullLabel": 4}',
    message: "labels must be 4 for num_class_embeds 5, received 2",
  },
  "a null class beyond the embedding": {
    file: "denoise.json",
    spoil: () => '{"nullLabel": 5}',
    message: "nullLabel must be null or 4, the last of num_class_embeds, received 5",
  },
  "a class list that is no JSON": { file: "denoise.json", spoil: () => "labels", message: "it is not JSON (" },
  "an unsupported block": {
    file: UNET,
    spoil: config({ down_block_types: ["DownBlock2D", "SkipDownBlock2D"] }),
    message: /down_block_types\.1: .*"DownBlock2D".*received "SkipDownBlock2D"$/,
  },
  "an unsupported time embedding": {
    file: UNET,
    spoil: config({ time_embedding_type: "fourier" }),
    message: /time_embedding_type: .*"positional".*received "fourier"$/,
  },
  "an unsupported activation": { file: UNET, spoil: config({ act_fn: "gelu" }), message: /act_fn: .*received "gelu"$/ },
  "an unsupported class embedding": {
    file: UNET,
    spoil: config({ class_embed_type: "timestep" }),
    message: /class_embed_type: .*received "timestep"$/,
  },
  "no sample size": { file: UNET, spoil: config({ sample_size: null }), message: /sample_size: .*received null$/ },
  "no widths": {
    file: UNET,
    spoil: config({ block_out_channels: undefined }),
    message: /block_out_channels: .*received nothing$/,
  },
  "a block too few": {
    file: UNET,
    spoil: config({ up_block_types: ["UpBlock2D"] }),
    message: "up_block_types must have 2 entries, as block_out_channels, received 1",
  },
  "widths that groups do not divide": {
    file: UNET,
    spoil: config({ block_out_channels: [8, 18] }),
    message: "block_out_channels must be multiples of norm_num_groups 4, received 18",
  },
  "widths that heads do not divide": {
    file: UNET,
    spoil: config({ attention_head_dim: 3 }),
    message: "attention_head_dim must divide the 16 channels of its block, received 3",
  },
  "a middle that its groups do not divide": {
    file: UNET,
    spoil: config({ attn_norm_num_groups: 3 }),
    message: "attn_norm_num_groups must divide the middle's 16 channels, received 3",
  },
  "a size that levels do not divide": {
    file: UNET,
    spoil: config({ sample_size: 7 }),
    message: "sample_size must be a multiple of 2 for 2 levels, received 7×7",
  },
  "an output of other channels": {
    file: UNET,
    spoil: config({ out_channels: 3 }),
    message: "out_channels must be 1 or 2 for in_channels 1 and variance_type fixed_small, received 3",
  },
  "an unsupported schedule": {
    file: SCHEDULER,
    spoil: config({ beta_schedule: "laplace" }),
    message: /beta_schedule: .*received "laplace"$/,
  },
  "weights that are cut off": {
    file: WEIGHTS,
    spoil: (bytes) => bytes.slice(0, -4),
    message: /tensor .*: data_offsets must lie in/,
  },
  "weights with no more than a header": {
    file: WEIGHTS,
    spoil: (bytes) => bytes.slice(0, 1000),
    message: "the header must end within the file, received a length of",
  },
  "empty weights": {
    file: WEIGHTS,
    spoil: () => new Uint8Array(),
    message: "the file must have at least 8 bytes, received 0",
  },
  "a tensor of another shape": {
    file: WEIGHTS,
    spoil: weights((tensors) => tensors.set("conv_out.weight", zeros([1, 8, 3, 2]))),
    message: "tensor conv_out.weight must have shape [1,8,3,3], received [1,8,3,2]",
  },
  "a tensor of another rank": {
    file: WEIGHTS,
    spoil: weights((tensors) => tensors.set("conv_out.bias", zeros([1, 1]))),
    message: "tensor conv_out.bias must have shape [1], received [1,1]",
  },
  "a tensor missing": {
    file: WEIGHTS,
    spoil: weights((tensors) => tensors.delete("mid_block.attentions.0.to_q.bias")),
    message: "tensor mid_block.attentions.0.to_q.bias is missing",
  },
  "a tensor too many": {
    file: WEIGHTS,
    spoil: weights((tensors) => tensors.set("conv_in.extra", zeros([2]))),
    message: "tensor conv_in.extra is none of this network's",
  },
};

for (const [name, { file, spoil, message }] of Object.entries(DAMAGES)) {
  writingTest(
    `loadPipeline refuses ${name} in one line that names the file`,
    async (folder) => {
      await savePipeline({ ...await loadPipeline(join(FIXTURES, "conditional")), folder });
      const path = join(folder, file);
      const spoiled = spoil(await Deno.readFile(path) as Uint8Array<ArrayBuffer>);
      if (spoiled === null) await Deno.remove(path);
      else if (typeof spoiled === "string") await Deno.writeTextFile(path, spoiled);
      else await Deno.writeFile(path, spoiled);

      const error = await assertRejects(() => loadPipeline(folder), ModelError);
      const start = `Cannot read ${path}: `;
      assertEquals(error.message.slice(0, start.length), start);
      assertNotMatch(error.message, /[\p{Cc}\p{Zl}\p{Zp}]/u);
      const rest = error.message.slice(start.length);
      if (typeof message === "string") assertEquals(rest.includes(message), true, rest);
      else assertMatch(rest, message);
      assertLess(rest.length, 300);
    },
  );
}

const noPython = reasonNotToWrite || await whyNoPython("torch", "diffusers");

writingTest(
  "diffusers' DDPMPipeline opens what savePipeline wrote, with the same scheduler, and draws the same ε to 1e-5",
  async (folder) => {
    const code = `
import json, sys
import numpy as np, torch
from diffusers import DDPMPipeline
results = []
for folder, (n, h, w, c) in json.loads(sys.argv[1]):
    pipeline = DDPMPipeline.from_pretrained(folder)
    unet = pipeline.unet.eval()
    x = np.frombuffer(sys.stdin.buffer.read(4 * n * h * w * c), np.float32).reshape(n, h, w, c).copy()
    labels = torch.tensor([1, 4]) if unet.config.num_class_embeds else None
    with torch.no_grad():
        out = unet(torch.from_numpy(x).permute(0, 3, 1, 2), torch.tensor([3, 977]), labels).sample
    out = out.permute(0, 2, 3, 1).flatten().tolist()
    results.append({"out": out, "unet": dict(unet.config), "scheduler": dict(pipeline.scheduler.config)})
print(json.dumps(results))`;
    const asked: [string, number[]][] = [], inputs: Float32Array[] = [];
    const expected: { model: Pipeline; out: Float32Array }[] = [];
    for (const name of ["conditional", "ddpm", "learned", "cifar10", "celebahq"]) {
      const model = { ...await loadPipeline(join(FIXTURES, name)), folder: join(folder, name) };
      await savePipeline(model);
      const denoiser = createDenoiser(await openEngine("wasm"), model);
      const shape = [2, denoiser.height, denoiser.width, denoiser.channels];
      const x = randomValues(shape, 1);
      asked.push([model.folder, shape]);
      inputs.push(x);
      const out = denoiser.evaluate(x, [3, 977], denoiser.numClasses === null ? null : [1, 4]);
      expected.push({ model, out });
      denoiser.dispose();
    }
    const input = new Uint8Array(
      await new Blob(inputs.map((x) => new Uint8Array(x.buffer as ArrayBuffer))).arrayBuffer(),
    );
    const printed = await python(code, { input, args: [JSON.stringify(asked)] });
    const read = JSON.parse(new TextDecoder().decode(printed));
    for (const [i, { model, out }] of expected.entries()) {
      assertLess(relativeError(out, read[i].out), 1e-5, model.folder);
      for (const part of ["unet", "scheduler"] as const) {
        for (const [key, value] of Object.entries(model[part])) assertEquals(read[i][part][key], value, key);
      }
    }
  },
  noPython,
);

writingTest("loadPipeline refuses weights that are not finite, names the tensor and counts them", async (folder) => {
  const model = await loadPipeline(join(FIXTURES, "ddpm"));
  for (const dtype of ["F32", "F16"] as const) {
    for (const [bad, count] of [[[NaN], 1], [[Infinity, -Infinity], 2]] as const) {
      const { shape, data } = model.weights.get("conv_out.weight")!;
      const spoilt = data.slice();
      spoilt.set(bad, 7);
      const weights = new Map(model.weights).set("conv_out.weight", { shape, data: spoilt });
      await savePipeline({ ...model, folder, weights }, { dtype });
      const { message } = await assertRejects(() => loadPipeline(folder), ModelError);
      assertEquals(
        message,
        `Cannot read ${
          join(folder, WEIGHTS)
        }: tensor conv_out.weight: its values must be finite, received ${count} of ` +
          `${data.length} that are not`,
      );
    }
  }
});
