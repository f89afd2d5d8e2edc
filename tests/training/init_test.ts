import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openDataset } from "../../datasets/open.ts";
import type { NpyArray } from "../../formats/npy.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { parseSafetensors } from "../../model/safetensors.ts";
import { run, testCommandLine } from "../commands/run_main.ts";
import { copyFolder } from "../copy_folder.ts";
import { namesIn } from "../datasets/fixtures.ts";

/** As diffusers' `save_pretrained` wrote them. */
const OF_DIFFUSERS = "tests/fixtures/model/conditional", IN_COLOUR = "tests/fixtures/model/ddpm";

/** Prepares eight small gray images of two classes, and gives the folder. */
const prepareImages = async (folder: string): Promise<string> => {
  const path = join(folder, "few.npz");
  const images: NpyArray = {
    dtype: "uint8",
    shape: [8, 8, 8],
    data: Uint8Array.from({ length: 512 }, (_, i) => i % 251),
  };
  const labels: NpyArray = { dtype: "int32", shape: [8], data: Int32Array.from({ length: 8 }, (_, i) => i % 2) };
  await Deno.writeFile(path, encodeNpz({ images, labels }));
  using _ = await openDataset(path, { root: folder });
  const [cache] = namesIn(join(folder, ".prepared"));
  return join(folder, ".prepared", cache);
};

const train = async (folder: string, ...args: string[]) =>
  await run("train", "--data", await prepareImages(folder), "--batch", "2", ...args);

const noticesIn = (stdout: string): string[] =>
  stdout.trim().split("\n").map((line) => JSON.parse(line)).filter(({ event }) => event === "notice")
    .map(({ message }) => message);

testCommandLine("train --init starts from the weights and the process of a model of diffusers'", async (folder) => {
  const out = join(folder, "run");
  const { code, stdout, stderr } = await train(
    folder,
    "--init",
    OF_DIFFUSERS,
    "--steps",
    "1",
    "--warmup",
    "100",
    "-o",
    out,
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(noticesIn(stdout), [`The class embedding is new: ${OF_DIFFUSERS} knows other classes`]);

  const init = await loadPipeline(OF_DIFFUSERS), trained = await loadPipeline(join(out, "checkpoints", "step-1"));
  assertEquals(trained.scheduler, init.scheduler);
  assertEquals(trained.unet, { ...init.unet, num_class_embeds: 3 });
  const state = join(out, "checkpoints", "step-1", "training_state", "weights.safetensors");
  const weights = parseSafetensors(await Deno.readFile(state));
  for (const [name, { data }] of init.weights) {
    if (name === "class_embedding.weight") continue;
    const moved = weights.get(name)!.data.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i])), 0);
    // Adam's first step is as long as the learning rate, 1e-4 / 100, or shorter.
    assertLess(moved, 1.2e-6, name);
  }
  const bias = weights.get("conv_out.bias")!.data;
  assert(bias.some((value, i) => value !== init.weights.get("conv_out.bias")!.data[i]), "nothing was learned");
});

testCommandLine("train --resume goes on where the model of --init is gone, to the same bits", async (folder) => {
  const init = join(folder, "init"), [whole, cut] = [join(folder, "whole"), join(folder, "cut")];
  await copyFolder(OF_DIFFUSERS, init);
  const inference = "inference:\n  parameters:\n    num_inference_steps: 5\n";
  await Deno.writeTextFile(join(init, "README.md"), `---\nlicense: mit\n${inference}---\n\n# Another's\n`);
  const recipe = ["--init", init, "--checkpoint-every", "2", "--sample-every", "1000"];
  assertEquals((await train(folder, ...recipe, "--steps", "4", "-o", whole)).code, 0);
  assertEquals((await train(folder, ...recipe, "--steps", "2", "-o", cut)).code, 0);
  await Deno.remove(init, { recursive: true });
  const { code, stderr } = await run("train", "--resume", cut, "--steps", "4");
  assertEquals([code, stderr], [0, ""]);
  const digests = (run: string) => Deno.readTextFile(join(run, "checkpoints", "step-4", "SHA256SUMS"));
  assertEquals(await digests(cut), await digests(whole));
  // How to sample goes along; the licence is for whoever trains to choose.
  const card = await Deno.readTextFile(join(cut, "checkpoints", "step-4", "README.md"));
  assertEquals(card, `---\n${inference}---\n`);
});

testCommandLine("train --init says in one line what does not fit, and exits 2", async (folder) => {
  const refuses = async (message: string, ...args: string[]) => {
    const out = join(folder, "run");
    const { code, stderr } = await train(folder, "--steps", "1", "-o", out, ...args);
    assertEquals(code, 2, stderr);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  };
  await refuses("Cannot start from", "--init", IN_COLOUR);
  await refuses("error: ", "--init", folder);
});
