import { join } from "@std/path";
import { checkpointFolder, listSteps } from "../../training/checkpoint_files.ts";
import { readDigests, readVerified } from "../../training/digest.ts";

const filesOf = (folder: string, at = ""): string[] =>
  [...Deno.readDirSync(join(folder, at))].flatMap(({ name, isDirectory }) => {
    const path = join(at, name);
    return isDirectory ? filesOf(folder, path) : [path];
  });

/** The lock, which holds nothing; and what TensorBoard is shown, which has the time of day in it. */
const isCompared = (path: string): boolean => path !== ".lock" && !path.includes("tfevents");

/** Lines of metrics without their `timing`, which is the machine's, not the run's. */
const withoutTiming = (text: string): string =>
  text.split("\n").map((line) => line === "" ? "" : JSON.stringify({ ...JSON.parse(line), timing: null })).join("\n");

const read = (path: string): Uint8Array =>
  path.endsWith(".jsonl")
    ? new TextEncoder().encode(withoutTiming(Deno.readTextFileSync(path)))
    : Deno.readFileSync(path);

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/**
 * Compares two runs' folders, every file byte for byte: recipe, metrics, samples, checkpoints, `latest`.
 *
 * @returns `files`: how many there are; `differences`: the paths of those that differ or that one of them lacks
 */
export const compareRuns = (a: string, b: string): { files: number; differences: string[] } => {
  const [left, right] = [a, b].map((folder) => new Set(filesOf(folder).filter(isCompared)));
  const paths = [...left.union(right)].sort();
  const differences = paths.filter((path) =>
    !left.has(path) || !right.has(path) || !isEqual(read(join(a, path)), read(join(b, path)))
  );
  return { files: paths.length, differences };
};

/** The checkpoints of a run that are not as they were written, each with the reason. */
export const unreadableCheckpoints = async (run: string): Promise<string[]> => {
  const found: string[] = [];
  for (const step of listSteps(join(run, "checkpoints"))) {
    const folder = join(run, checkpointFolder(step));
    try {
      const sums = readDigests(folder);
      if (sums === null) throw new Error("it has no digests");
      for (const path of sums.keys()) await readVerified(folder, path, sums);
    } catch (error) {
      found.push(`${folder}: ${(error as Error).message}`);
    }
  }
  return found;
};
