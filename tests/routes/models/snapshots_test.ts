import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { loadPipeline, savePipeline } from "../../../model/pipeline.ts";
import { createModelSnapshots } from "../../../routes/models/snapshots.ts";
import { ModelRefusedError } from "../../../serving/serving.ts";
import { writeDigests } from "../../../training/digest.ts";
import { writingTest } from "../../model/temporary_folder.ts";
import { tinyModel } from "../with_server.ts";

const names = async (folder: string) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);

writingTest(
  "kept models: outlive the checkpoint, take no room of their own, and go when they are dropped",
  async (root) => {
    const checkpoint = join(root, "run", "checkpoints", "step-1");
    await savePipeline({ ...await loadPipeline(tinyModel), folder: checkpoint });
    const kept = createModelSnapshots(root);
    const folder = await kept.take(checkpoint);
    const weights = "unet/diffusion_pytorch_model.safetensors";
    const [a, b] = await Promise.all([checkpoint, folder].map((at) => Deno.stat(join(at, weights))));
    assertEquals([a.ino, a.nlink], [b.ino, 2]);
    await Deno.remove(checkpoint, { recursive: true });
    assertEquals((await loadPipeline(folder)).labels, ["red", "green", "blue"]);
    await assertRejects(() => kept.take(checkpoint), ModelRefusedError, "no such file");
    await kept.remove(folder);
    await kept.remove(join(root, "run"));
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
  const alive = createModelSnapshots(root);
  const folder = await alive.take(checkpoint);
  assertEquals((await names(join(root, ".served"))).includes("dead"), false);
  const another = createModelSnapshots(root);
  await another.take(checkpoint);
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
    writeDigests(checkpoint);
    await Deno.writeTextFile(join(root, ".served"), "in the way");
    const kept = createModelSnapshots(root);
    assertEquals(await kept.take(checkpoint), checkpoint);
    await kept.remove(checkpoint);
    await Deno.writeTextFile(join(checkpoint, "denoise.json"), " ", { append: true });
    await assertRejects(() => kept.take(checkpoint), ModelRefusedError, "denoise.json: it is not as it was written");
    await kept.close();
  },
);
