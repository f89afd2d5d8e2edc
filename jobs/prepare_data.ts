import { fromFileUrl, join } from "@std/path";
import { DATA_ROOT } from "../datasets/catalogue.ts";
import { DatasetError } from "../datasets/dataset.ts";
import { findDataset, type OpenOptions } from "../datasets/open.ts";
import { parseTrainingEvent } from "../training/events.ts";
import { endingOf, GRACE, linesOf, permissionList } from "./child.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** What preparing reads of the program: packages, and the rooms of which it starts modules as threads. */
const PROGRAM = ["node_modules", "core", "datasets", "files", "formats"].map((name) => join(ROOT, name));

/** How a dataset is prepared. */
interface PreparationOptions extends Pick<OpenOptions, "size" | "signal" | "onProgress"> {
  /** Milliseconds that its process may take to stop when it is called off; then it is killed. */
  readonly grace?: number;
}

const runPreparation = async (
  where: string,
  reads: readonly string[],
  { size, grace = GRACE, signal, onProgress }: PreparationOptions,
): Promise<void> => {
  const prepared = join(DATA_ROOT, ".prepared");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      `--allow-read=${permissionList([...PROGRAM, ...reads, prepared])}`,
      `--allow-write=${prepared}`,
      // What is free there.
      "--allow-sys=statfs",
      join(ROOT, "main.ts"),
      "data",
      `--what=${where}`,
      ...(size === undefined ? [] : [`--size=${size}`]),
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { stop } = endingOf(child, grace);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  const follow = async () => {
    for await (const line of linesOf(child.stdout)) {
      const event = parseTrainingEvent(line);
      if (event?.event === "preparing" || event?.event === "skipped" || event?.event === "prepared") {
        onProgress?.(event);
      }
    }
  };
  const lastLine = async () => {
    let last = "";
    for await (const line of linesOf(child.stderr)) if (line.trim()) last = line;
    return last;
  };
  try {
    const [last, { success }] = await Promise.all([lastLine(), child.status, follow()]);
    signal?.throwIfAborted();
    if (success) return;
    throw new DatasetError(last.replace(/^error: /, "") || `cannot prepare ${where}`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
};

/**
 * Makes sure that a dataset is prepared, in a process of its own if it is not: it may read the images and write the caches,
 * and nothing else. The thread that asks is never held up, nor has to have these permissions.
 *
 * @param where a name, or a path
 * @returns what a process has to read to open it, beside the program
 * @throws {DatasetError} if it cannot be prepared
 */
export const prepareInProcess = async (
  where: string,
  { size, grace, signal, onProgress }: PreparationOptions = {},
): Promise<readonly string[]> => {
  const { isPrepared, reads } = await findDataset(where, { size, signal });
  if (!isPrepared) await runPreparation(where, reads, { size, grace, signal, onProgress });
  return reads;
};
