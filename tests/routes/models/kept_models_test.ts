import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { writeSums } from "../../../jobs/training/digest.ts";
import { loadPipeline, savePipeline } from "../../../model/pipeline.ts";
import { createKeptModels } from "../../../routes/models/kept_models.ts";
import { ModelRefusedError } from "../../../serving/serving.ts";
import { writingTest } from "../../model/temporary_folder.ts";
import { tinyModel } from "../with_server.ts";

const names = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

writingTest(
  "kept models: outlive the checkpoint, take no room of their own, and go when they are dropped",
  async (root) => {
    const checkpoint = join(root, "run", "checkpoints", "step-1");
    await savePipeline({ ...await loadPipeline(tinyModel), folder: checkpoint });
    const kept = createKeptModels(root);
    const folder = await kept.keep(checkpoint);
    const weights = "unet/diffusion_pytorch_model.safetensors";
    const [a, b] = await Promise.all([checkpoint, folder].map((at) => Deno.stat(join(at, weights))));
    assertEquals([a.ino, a.nlink], [b.ino, 2]);
    await Deno.remove(checkpoint, { recursive: true });
    assertEquals((await loadPipeline(folder)).labels, ["red", "green", "blue"]);
    await assertRejects(() => kept.keep(checkpoint), ModelRefusedError, "no such file");
    await kept.drop(folder);
    await kept.drop(join(root, "run"));
    await assertRejects(() => loadPipeline(folder), Error, "no such file");
    assertEquals((await names(root)).sort(), [".served", "run"]);
    await kept.close();
    assertEquals(await names(join(root, ".served")), []);
  },
);

writingTest("kept models: what a server left that was killed is removed by the next, and no other's", async (root) => {
  const checkpoint = join(root, "run");
  await savePipeline({ ...await loadPipeline(tinyModel), folder: checkpoint });
  const dead = join(root, ".served", "dead");
  await Deno.mkdir(dead, { recursive: true });
  await Deno.writeTextFile(join(dead, "lock"), "");
  const alive = createKeptModels(root);
  const folder = await alive.keep(checkpoint);
  assertEquals((await names(join(root, ".served"))).includes("dead"), false);
  const another = createKeptModels(root);
  await another.keep(checkpoint);
  assertEquals((await names(join(root, ".served"))).length, 2);
  await loadPipeline(folder);
  await Promise.all([alive.close(), another.close()]);
  assertEquals(await names(join(root, ".served")), []);
});

writingTest(
  "kept models: where nothing can be written the checkpoint itself is taken, if it is sound",
  async (root) => {
    const checkpoint = join(root, "run");
    await savePipeline({ ...await loadPipeline(tinyModel), folder: checkpoint });
    writeSums(checkpoint);
    await Deno.writeTextFile(join(root, ".served"), "in the way");
    const kept = createKeptModels(root);
    assertEquals(await kept.keep(checkpoint), checkpoint);
    await kept.drop(checkpoint);
    await Deno.writeTextFile(join(checkpoint, "denoise.json"), " ", { append: true });
    await assertRejects(() => kept.keep(checkpoint), ModelRefusedError, "denoise.json: it is not as it was written");
    await kept.close();
  },
);
