import { join } from "@std/path";
import { checkpointFolder, listSteps } from "../../jobs/training/checkpoint_files.ts";
import { readChecked, readSums } from "../../jobs/training/digest.ts";

/** The checkpoints of a run that are not as they were written, each with the reason. */
export const unreadableOf = async (run: string): Promise<string[]> => {
  const found: string[] = [];
  for (const step of listSteps(join(run, "checkpoints"))) {
    const folder = join(run, checkpointFolder(step));
    try {
      const sums = readSums(folder);
      if (sums === null) throw new Error("it has no digests");
      for (const path of sums.keys()) await readChecked(folder, path, sums);
    } catch (error) {
      found.push(`${folder}: ${(error as Error).message}`);
    }
  }
  return found;
};
