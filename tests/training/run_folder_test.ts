import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { RunError } from "../../training/errors.ts";
import { openLines } from "../../training/metrics.ts";
import { resolveRecipe } from "../../training/recipe.ts";
import { createRunFolder, readRecipe, reopenRunFolder, rewindRunFolder } from "../../training/run_folder.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { namesIn } from "./files_of.ts";

const recipe = resolveRecipe({ preset: "tiny", seed: 3 });

writingTest("createRunFolder: holds the folder, and its recipe is there whole", async (folder) => {
  const run = join(folder, "run");
  const lock = await createRunFolder(run, recipe);
  assertEquals(await readRecipe(run), recipe);
  await assertRejects(() => createRunFolder(run, recipe), RunError, `Cannot start a run in ${run}: there is one`);
  lock[Symbol.dispose]();
  assertEquals(namesIn(run), [".lock", "checkpoints", "config.json", "samples"]);
});

writingTest(
  "createRunFolder: a folder whose process was killed before its recipe was there is free",
  async (folder) => {
    await Deno.mkdir(join(folder, "samples"));
    await Deno.writeTextFile(join(folder, "config.json.partial"), "{");
    (await createRunFolder(folder, recipe))[Symbol.dispose]();
    assertEquals(await readRecipe(folder), recipe);
    assertEquals(namesIn(folder).includes("config.json.partial"), false);
  },
);

writingTest("createRunFolder: checkpoints without a recipe are in the way too", async (folder) => {
  await Deno.mkdir(join(folder, "checkpoints/step-3"), { recursive: true });
  await assertRejects(() => createRunFolder(folder, recipe), RunError, "there is one");
});

writingTest("rewindRunFolder: leftovers go, and samples from after the step", async (folder) => {
  (await createRunFolder(folder, recipe))[Symbol.dispose]();
  (await reopenRunFolder(folder))[Symbol.dispose]();
  for (const name of [".step-7.partial", ".step-1.pruned", "step-3", "step-5"]) {
    await Deno.mkdir(join(folder, "checkpoints", name, "unet"), { recursive: true });
  }
  for (const name of ["latest", "latest.partial", "samples/step-000004.png", "samples/step-000005.png"]) {
    await Deno.writeTextFile(join(folder, name), "");
  }
  await Deno.writeTextFile(join(folder, "samples/step-000004.png.partial"), "");
  await rewindRunFolder(folder, 4);
  assertEquals(namesIn(folder), [".lock", "checkpoints", "config.json", "latest", "samples"]);
  assertEquals(namesIn(join(folder, "checkpoints")), ["step-3", "step-5"]);
  assertEquals(namesIn(join(folder, "samples")), ["step-000004.png"]);
});

writingTest("openLines: ends before the first line that is not whole or not to be kept", async (folder) => {
  const path = join(folder, "lines");
  const cut = async (text: string) => {
    await Deno.writeTextFile(path, text);
    using lines = await openLines(path, { isRetained: (line) => Number(line) <= 3 });
    await lines.write("new");
    return await Deno.readTextFile(path);
  };
  assertEquals(await cut(""), "new\n");
  assertEquals(await cut("1\n2\n3\n"), "1\n2\n3\nnew\n");
  assertEquals(await cut("1\n2\n3\n4\n5\n"), "1\n2\n3\nnew\n");
  assertEquals(await cut("1\n2\n3"), "1\n2\nnew\n");
  assertEquals(await cut("1\nx\n2\n"), "1\nnew\n");
});
