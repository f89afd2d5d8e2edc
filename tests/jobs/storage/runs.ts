import { join } from "@std/path";
import { writeDigests } from "../../../training/digest.ts";

/** Makes the folder of a run that keeps two checkpoints. */
export const makeRun = async (run: string, { keep = 2 } = {}): Promise<string> => {
  await Deno.mkdir(join(run, "samples"), { recursive: true });
  await Deno.writeTextFile(join(run, "config.json"), JSON.stringify({ keep }));
  return run;
};

/** Adds a checkpoint and what belongs to it. */
export const addCheckpoint = async (run: string, step: number): Promise<void> => {
  const folder = join(run, "checkpoints", `step-${step}`);
  await Deno.mkdir(join(folder, "training_state"), { recursive: true });
  await Deno.writeTextFile(join(folder, "model_index.json"), `model ${step}`);
  await Deno.writeTextFile(join(folder, "training_state", "weights.safetensors"), `weights ${step}`);
  writeDigests(folder);
  await Deno.writeTextFile(join(run, "metrics.jsonl"), `{"step":${step}}\n`, { append: true });
  await Deno.writeTextFile(join(run, "samples", `step-${step}.png`), `grid ${step}`);
  await Deno.writeTextFile(join(run, "latest"), `checkpoints/step-${step}\n`);
};

/** Paths and texts of all that a folder holds, in order. */
export const readTree = async (folder: string, at = ""): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  const entries = await Array.fromAsync(Deno.readDir(join(folder, at)));
  for (const { name, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = at === "" ? name : `${at}/${name}`;
    if (isDirectory) Object.assign(found, await readTree(folder, path));
    else found[path] = await Deno.readTextFile(join(folder, path));
  }
  return found;
};
