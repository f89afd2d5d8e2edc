import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { exists } from "../../files/exists.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";

writingTest("exists: a file and a folder are there, and below a file is no place to look", async (folder) => {
  const file = join(folder, "file");
  await Deno.writeTextFile(file, "");
  assertEquals([await exists(file), await exists(folder), await exists(join(folder, "other"))], [true, true, false]);
  await assertRejects(() => exists(join(file, "below")), Deno.errors.NotADirectory);
});

const canLink = (await Deno.permissions.query({ name: "run", command: "ln" })).state === "granted";

writingTest("exists follows links: one that leads nowhere is not there", async (folder) => {
  await Deno.writeTextFile(join(folder, "file"), "");
  for (const target of ["file", "other"]) {
    await new Deno.Command("ln", { args: ["-s", target, join(folder, `to-${target}`)] }).output();
    assertEquals((await Deno.lstat(join(folder, `to-${target}`))).isSymlink, true);
  }
  assertEquals([await exists(join(folder, "to-file")), await exists(join(folder, "to-other"))], [true, false]);
}, reasonNotToWrite || (canLink ? "" : "needs --allow-run=ln"));

Deno.test({
  name: "exists: a missing permission is no answer",
  permissions: { read: false },
  fn: async () => {
    await assertRejects(() => exists("deno.json"), Deno.errors.NotCapable);
  },
});
