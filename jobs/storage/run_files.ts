import { join } from "@std/path";

/** What of a run folder is pushed beside its checkpoints. */
const FILES = ["config.json", "metrics.jsonl"], FOLDERS = ["samples", "tensorboard"];

/** A file, and what changes when it does. */
export interface RunFile {
  readonly path: string;
  readonly version: string;
}

const CHECKPOINT = /^checkpoints\/step-(\d+)$/;

/** The files of a run beside its checkpoints; those with leading dots and partial ones are left out. */
export const listRunFiles = async (run: string): Promise<RunFile[]> => {
  const found: RunFile[] = [];
  const add = async (path: string) => {
    const info = await Deno.stat(join(run, path)).catch(unlessNotFound);
    if (info?.isFile) found.push({ path, version: `${info.size} ${info.mtime?.getTime()}` });
  };
  for (const path of FILES) await add(path);
  for (const folder of FOLDERS) {
    const entries = await Array.fromAsync(Deno.readDir(join(run, folder))).catch(unlessNotFound) ?? [];
    for (const { name } of entries) {
      if (/^\w[\w.-]*$/.test(name) && !name.endsWith(".partial")) await add(`${folder}/${name}`);
    }
  }
  return found;
};

/** The step of the checkpoint that a run's `latest` names; `null` if there is none. */
export const latestStep = async (run: string): Promise<number | null> => {
  const text = await Deno.readTextFile(join(run, "latest")).catch(unlessNotFound);
  const step = CHECKPOINT.exec(text?.trim() ?? "")?.[1];
  if (step === undefined) return null;
  const folder = await Deno.stat(join(run, "checkpoints", `step-${step}`)).catch(unlessNotFound);
  return folder ? Number(step) : null;
};

/** For `catch`: nothing where there is nothing. */
export const unlessNotFound = (error: unknown): undefined => {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
};
