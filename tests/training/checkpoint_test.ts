import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { encodeSafetensors } from "../../model/safetensors.ts";
import { readCheckpoint, writeCheckpoint } from "../../training/checkpoint.ts";
import { averagePart } from "../../training/checkpoint_files.ts";
import { RunError } from "../../training/errors.ts";
import { python, whyNoPython } from "../model/python.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { exampleState, model, RATES } from "./example_run.ts";
import { filesOf, namesIn } from "./files_of.ts";

const write = (run: string, step: number, keep = 3) => writeCheckpoint(run, model, exampleState(step), { keep });
const read = (run: string) => readCheckpoint(run, { rates: RATES });

const newRun = async (folder: string, name = "run"): Promise<string> => {
  const run = join(folder, name);
  await Deno.mkdir(join(run, "checkpoints"), { recursive: true });
  return run;
};

writingTest("writeCheckpoint, readCheckpoint: every bit of a state comes back", async (folder) => {
  const run = await newRun(folder);
  assertEquals(await write(run, 7), join(run, "checkpoints/step-7"));
  const { stored, damage } = await read(run);
  assertEquals(damage, []);
  assertEquals(stored, exampleState(7));
  assertEquals(Object.is(stored!.numbers.losses[2], -0), true);
});

writingTest(
  "writeCheckpoint: each average is a model to load, the first in the checkpoint's own folder",
  async (folder) => {
    const checkpoint = await write(await newRun(folder), 7);
    for (const [rate, place] of [[0.999, ""], [0.9, "ema-0.9"]] as const) {
      const { weights, unet } = await loadPipeline(join(checkpoint, place));
      assertEquals(weights, exampleState(7).tensors.get(averagePart(rate))!);
      assertEquals(unet, model.unet);
    }
  },
);

writingTest("writeCheckpoint: keeps the newest, and `latest` names the last one", async (folder) => {
  const run = await newRun(folder);
  for (const step of [2, 10, 8, 12]) await write(run, step, 2);
  assertEquals(namesIn(join(run, "checkpoints")), ["step-10", "step-12"]);
  assertEquals(await Deno.readTextFile(join(run, "latest")), "checkpoints/step-12\n");
});

writingTest(
  "writeCheckpoint: one of a later step does not push out what is written, and is replaced",
  async (folder) => {
    const run = await newRun(folder);
    await write(run, 9, 1);
    await write(run, 4, 1);
    assertEquals(namesIn(join(run, "checkpoints")), ["step-4", "step-9"]);
    assertEquals((await read(run)).stored!.step, 4);
    await write(run, 9, 1);
    assertEquals(namesIn(join(run, "checkpoints")), ["step-9"]);
  },
);

writingTest(
  "readCheckpoint: whatever is damaged in the last one is named, and the one before serves",
  async (folder) => {
    const run = await newRun(folder);
    await write(run, 1);
    const last = await write(run, 2);
    const files = filesOf(last);
    assertEquals(files.length, 15);
    for (const file of files) {
      const path = join(last, file), whole = await Deno.readFile(path);
      const flipped = whole.slice();
      flipped[flipped.length >> 1] ^= 1;
      for (const damaged of [flipped, whole.slice(0, -1), whole.slice(0, 0), null]) {
        if (damaged) await Deno.writeFile(path, damaged);
        else await Deno.remove(path);
        const { stored, damage } = await read(run);
        assertEquals(stored!.step, 1, file);
        assertEquals(damage.map(({ path }) => path), [last]);
        assertStringIncludes(damage[0].reason, file);
      }
      await Deno.writeFile(path, whole);
    }
    assertEquals((await read(run)).stored!.step, 2);
  },
);

writingTest("readCheckpoint: without one that is whole, says what is wrong with each", async (folder) => {
  const run = await newRun(folder);
  for (const step of [1, 2]) await Deno.remove(join(await write(run, step), "unet/config.json"));
  const { message } = await assertRejects(() => read(run), RunError);
  const reason = "unet/config.json: there is no such file";
  assertEquals(
    message,
    `Cannot resume ${run}: no checkpoint of it is whole: ` +
      `${run}/checkpoints/step-2: ${reason}; ${run}/checkpoints/step-1: ${reason}`,
  );
});

writingTest("readCheckpoint: `latest` decides; without it, or with a damaged one, the newest", async (folder) => {
  const run = await newRun(folder), latest = join(run, "latest");
  assertEquals(await read(run), { stored: null, damage: [] });
  for (const step of [1, 2, 3]) await write(run, step);
  await Deno.writeTextFile(latest, "checkpoints/step-2\n");
  assertEquals((await read(run)).stored!.step, 2);
  await Deno.remove(latest);
  assertEquals((await read(run)).damage, []);
  assertEquals((await read(run)).stored!.step, 3);
  for (const text of ["", "checkpoints/step-", "../other/checkpoints/step-1\n", "checkpoints/step-7\n"]) {
    await Deno.writeTextFile(latest, text);
    const { stored, damage } = await read(run);
    assertEquals(stored!.step, 3);
    assertEquals(damage.map(({ path }) => path), [text.includes("7") ? join(run, "checkpoints/step-7") : latest]);
  }
  await Deno.remove(join(run, "checkpoints"), { recursive: true });
  await assertRejects(() => read(run), RunError, "checkpoints/step-7");
});

writingTest("readCheckpoint: refuses parts that are not the recipe's", async (folder) => {
  const run = await newRun(folder);
  await write(run, 1);
  const other = () => readCheckpoint(run, { rates: [0.5] });
  const parts = "weights, firstMoments, secondMoments, average";
  await assertRejects(other, RunError, `its parts must be ${parts}-0.5, received ${parts}-0.999, average-0.9`);
});

writingTest("readCheckpoint: reads those from before there were digests", async (folder) => {
  const run = await newRun(folder), at = join(run, "checkpoints/step-5");
  const { tensors } = exampleState(5);
  const files = { weights: "weights", firstMoments: "first_moments", secondMoments: "second_moments" };
  await savePipeline({ ...model, folder: at, weights: tensors.get("average-0.999")! });
  await Deno.mkdir(join(at, "training_state"));
  for (const [part, name] of Object.entries(files)) {
    await Deno.writeFile(join(at, `training_state/${name}.safetensors`), encodeSafetensors(tensors.get(part)!));
  }
  await Deno.writeTextFile(join(at, "training_state/state.json"), '{"step":5}\n');
  await Deno.writeTextFile(join(run, "latest"), "checkpoints/step-5\n");
  const { stored, damage } = await readCheckpoint(run, { rates: [0.999] });
  assertEquals(damage, []);
  const [weights, first, second, average] = [...tensors.values()];
  assertEquals([...stored!.tensors.values()], [weights, first, second, average]);
});

const reason = await whyNoPython("torch", "diffusers", "safetensors");
writingTest(
  "writeCheckpoint: diffusers opens a checkpoint and its other averages, safetensors and sha256sum the rest",
  async (folder) => {
    const checkpoint = await write(await newRun(folder), 3);
    const code = `
import hashlib, json, pathlib, sys
from diffusers import DDPMPipeline
from safetensors.numpy import load_file
root = pathlib.Path(sys.argv[1])
def first(folder):
    unet = DDPMPipeline.from_pretrained(str(folder)).unet
    return unet.state_dict()["conv_in.bias"].tolist()
moments = load_file(root / "training_state/second_moments.safetensors")["conv_in.bias"].tolist()
lines = [line.split("  ") for line in (root / "SHA256SUMS").read_text().splitlines() if not line.startswith("#")]
wrong = [path for digest, path in lines if hashlib.sha256((root / path).read_bytes()).hexdigest() != digest]
print(json.dumps([first(root), first(root / "ema-0.9"), moments, wrong, len(lines)]))`;
    const printed = JSON.parse(new TextDecoder().decode(await python(code, { args: [checkpoint] })));
    const { tensors } = exampleState(3);
    const bias = (part: string) => [...tensors.get(part)!.get("conv_in.bias")!.data];
    assertEquals(printed, [bias("average-0.999"), bias("average-0.9"), bias("secondMoments"), [], 14]);
    const sums = await Deno.readTextFile(join(checkpoint, "SHA256SUMS"));
    assertMatch(sums, /^([0-9a-f]{64} {2}[^\n]+\n){14}# [0-9a-f]{64}\n$/);
  },
  reason,
);

writingTest("readCheckpoint: one whose tensors are not finite is named and passed over", async (folder) => {
  const run = await newRun(folder);
  await write(run, 1);
  const { tensors, ...state } = exampleState(2);
  const second = new Map([...tensors].map(([part, own]) => [part, new Map(own)]));
  const { shape, data } = second.get("secondMoments")!.get("conv_in.bias")!;
  second.get("secondMoments")!.set("conv_in.bias", { shape, data: data.map((value, i) => i === 1 ? NaN : value) });
  const last = await writeCheckpoint(run, model, { ...state, tensors: second }, { keep: 3 });
  const { stored, damage } = await read(run);
  assertEquals(stored!.step, 1);
  const reason = `tensor conv_in.bias: its values must be finite, received 1 of ${data.length} that are not`;
  assertEquals(damage, [{ path: last, reason }]);
});

writingTest(
  "writeCheckpoint, readCheckpoint: what the data were comes back, and is absent where nobody said",
  async (folder) => {
    const run = await newRun(folder);
    const data = { images: 3, height: 8, width: 9, channels: 1, classes: ["a", "b"], digest: "sha256-0" };
    await write(run, 1);
    assertEquals(Object.hasOwn((await read(run)).stored!, "data"), false);
    await writeCheckpoint(run, model, { ...exampleState(2), data }, { keep: 3 });
    assertEquals((await read(run)).stored!.data, data);
  },
);
