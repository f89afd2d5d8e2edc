import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { DatasetParts } from "../../datasets/dataset.ts";
import { findDataset } from "../../datasets/open.ts";
import { encodePng } from "../../formats/png.ts";
import { compareData, dataFactsOf } from "../../training/data_facts.ts";
import { writeDigests } from "../../training/digest.ts";
import { run, testCommandLine } from "../commands/run_main.ts";
import { copyFolder } from "../copy_folder.ts";
import { namesIn } from "../datasets/fixtures.ts";

const parts: DatasetParts = {
  name: "pets",
  count: 2,
  height: 4,
  width: 4,
  channels: 1,
  images: new Uint8Array(32),
  labels: Int32Array.of(0, 1),
  classNames: ["cats", "dogs"],
  fingerprint: "sha256-0",
};

Deno.test("compareData says what images differ by, and nothing of their name or place", () => {
  const difference = (changes: Partial<DatasetParts>, conditional?: boolean) => {
    const facts = (data: DatasetParts) => dataFactsOf(data, { conditional });
    return compareData(facts(parts), facts({ ...parts, ...changes }));
  };
  assertEquals(difference({ name: "elsewhere", images: { path: "images.u8" } }), null);
  assertEquals(difference({ classNames: ["dogs", "zcats"] }), "classes were cats, dogs, now dogs, zcats");
  assertEquals(difference({ classNames: null, labels: null }), "classes were cats, dogs, now none");
  assertEquals(difference({ classNames: ["dogs", "zcats"] }, false), null);
  assertEquals(difference({ count: 3, channels: 3 }), "images were 2, now 3; their channels were 1, now 3");
  assertEquals(difference({ height: 8, width: 8 }), "their size was 4×4, now 8×8");
  assertEquals(
    difference({ fingerprint: "sha256-1" }),
    "as many as before, but other images, classes or another order",
  );
  const many = Array.from({ length: 40 }, (_, i) => `class ${i}\n`);
  const listed = Array.from({ length: 12 }, (_, i) => `class ${i} `).join(", ");
  assertEquals(difference({ classNames: many }), `classes were cats, dogs, now ${listed} … (40)`);
});

/** Prepares three pictures of 8×8 of each class; gives the folder of the prepared ones. */
const prepare = async (folder: string, classes: readonly string[], { gray = false } = {}): Promise<string> => {
  for (const [k, name] of classes.entries()) {
    await Deno.mkdir(join(folder, "pets", name), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const data = Uint8Array.from(
        { length: 192 },
        (_, at) => 17 * (gray ? Math.floor(at / 3) : at) + 40 * k + i & 255,
      );
      const png = encodePng({ data, height: 8, width: 8, channels: 3 });
      await Deno.writeFile(join(folder, "pets", name, `${i}.png`), png);
    }
  }
  const found = await findDataset(join(folder, "pets"), { root: folder });
  await found.prepare();
  return found.folder!;
};

testCommandLine(
  "train --resume: goes on with its own data alone, wherever they lie, and says what differs",
  async (folder) => {
    const place = (name: string) => join(folder, name);
    const own = await prepare(place("own"), ["cats", "dogs"]);
    const renamed = await prepare(place("renamed"), ["zcats", "dogs"]);
    const more = await prepare(place("more"), ["cats", "dogs", "emus"]);
    const gray = await prepare(place("gray"), ["cats", "dogs"], { gray: true });
    const data = place("data"), out = place("run");
    await copyFolder(own, data);
    const first = await run(
      ...["train", "--preset", "tiny", "--data", data, "--batch", "4", "--timesteps", "10", "--engine", "wasm"],
      ...["--steps", "1", "--out", out],
    );
    assertEquals([first.code, first.stderr], [0, ""]);

    const resume = (...more: string[]) => run("train", "--resume", out, "--steps", "2", ...more);
    const refuses = async (difference: string, ...more: string[]) => {
      const { code, stderr } = await resume(...more);
      assertEquals([code, stderr], [2, `error: Cannot resume ${out}: its data have changed: ${difference}\n`]);
      assertEquals(namesIn(join(out, "checkpoints")), ["step-1"]);
    };
    await refuses("classes were cats, dogs, now cats, dogs, emus; images were 6, now 9", "--data", more);
    await refuses("their channels were 3, now 1", "--data", gray);

    // A checkpoint from before these facts were kept: no stack, where a layer's shape tells.
    const state = join(out, "checkpoints/step-1/training_state/state.json");
    const text = await Deno.readTextFile(state);
    await Deno.writeTextFile(state, JSON.stringify({ ...JSON.parse(text), data: undefined }));
    writeDigests(join(out, "checkpoints/step-1"));
    await Deno.rename(data, place("moved"));
    await copyFolder(gray, data);
    await refuses("tensor conv_in.weight must have shape [8,1,3,3] for them, received [8,3,3,3]");
    await Deno.remove(data, { recursive: true });
    await Deno.writeTextFile(state, text);
    writeDigests(join(out, "checkpoints/step-1"));
    await copyFolder(renamed, data);
    await refuses("classes were cats, dogs, now dogs, zcats");

    const moved = await resume("--data", place("moved"));
    assertEquals([moved.code, moved.stderr], [0, ""]);
    assertEquals(namesIn(join(out, "checkpoints")), ["step-1", "step-2"]);
  },
);

testCommandLine("train --resume: other data are not taken for those of a run without a checkpoint", async (folder) => {
  const data = await prepare(folder, ["cats", "dogs"]), out = join(folder, "run");
  const options = ["--preset", "tiny", "--batch", "4", "--timesteps", "10", "--engine", "wasm", "--steps", "1"];
  assertEquals((await run("train", ...options, "--data", data, "--out", out)).code, 0);
  await Deno.remove(join(out, "checkpoints"), { recursive: true });
  await Deno.remove(join(out, "latest"));
  const { code, stderr } = await run("train", "--resume", out, "--data", data);
  const reason = "--data must be left out, for no checkpoint says what it was trained on";
  assertEquals([code, stderr], [2, `error: Cannot resume ${out}: ${reason}\n`]);
});
