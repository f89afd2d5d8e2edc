import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { resolveDataName } from "../../datasets/catalogue.ts";
import { isBuiltin } from "../../datasets/names.ts";
import { DatasetError } from "../../datasets/dataset.ts";
import { writingTest } from "../model/temporary_folder.ts";

Deno.test("isBuiltin knows the datasets with a name, and no others", () => {
  assertEquals(["mnist", "cifar10-test", "emoji", "data/emoji", "toString", ""].map(isBuiltin), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

writingTest(
  "resolveDataName gives names, entries of the root and what is prepared there, and leads nowhere else",
  async (root) => {
    await Deno.mkdir(join(root, "cats"));
    await Deno.writeTextFile(join(root, "birds.npz"), "");
    await Deno.mkdir(join(root, ".prepared", "dogs-64-0123"), { recursive: true });
    await Deno.mkdir(join(root, "emoji"));
    assertEquals(await resolveDataName("mnist", root), "mnist");
    assertEquals(await resolveDataName("emoji", root), "emoji");
    assertEquals(await resolveDataName("cats", root), join(root, "cats"));
    assertEquals(await resolveDataName("birds.npz", root), join(root, "birds.npz"));
    assertEquals(await resolveDataName("dogs-64-0123", root), join(root, ".prepared", "dogs-64-0123"));
    const refused = [
      "..",
      ".",
      "",
      ".prepared",
      "cats/",
      "cats/..",
      "../cats",
      "/etc",
      "Cats ",
      "a\0",
      "cats\n",
      "no-such",
      "-x",
    ];
    for (const name of refused) {
      await assertRejects(() => resolveDataName(name, root), DatasetError, `received ${JSON.stringify(name)}`);
    }
  },
);
