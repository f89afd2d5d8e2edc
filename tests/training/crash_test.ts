import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { unreadableCheckpoints } from "../../bench/kill/check_runs.ts";
import { DiskError } from "../../files/durable.ts";
import { readCheckpoint, writeCheckpoint } from "../../training/checkpoint.ts";
import { rewindRunFolder } from "../../training/run_folder.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { exampleState, model, RATES } from "./example_run.ts";
import { filesOf, namesIn } from "./files_of.ts";

const CHANGES = [
  "mkdir",
  "mkdirSync",
  "writeFile",
  "writeFileSync",
  "writeTextFile",
  "writeTextFileSync",
  "renameSync",
  "removeSync",
] as const;

type Change = (...args: unknown[]) => unknown;

/** Hands every call that changes the disk to `decide`, which gets its number, while `work` runs. */
const intercepting = async (
  decide: (call: number, change: () => unknown, name: string, args: unknown[]) => unknown,
  work: () => Promise<unknown>,
): Promise<number> => {
  const deno = Deno as unknown as Record<string, Change>;
  const originals = CHANGES.map((name) => [name, deno[name]] as const);
  let calls = 0;
  for (const [name, original] of originals) {
    deno[name] = (...args) => decide(calls++, () => original(...args), name, args);
  }
  try {
    await work();
  } finally {
    for (const [name, original] of originals) deno[name] = original;
  }
  return calls;
};

class Crash extends Error {}

const originalRemove = Deno.removeSync;

/** A disk that takes no more after `at` changes, of the last one only a part: what a killed process leaves. */
const crashAt = (at: number) => (call: number, change: () => unknown, name: string, args: unknown[]): unknown => {
  if (call < at) return change();
  if (call === at && name === "removeSync" && isFolder(args[0] as string)) {
    originalRemove(join(args[0] as string, filesOf(args[0] as string)[0]));
  }
  if (call === at && name.startsWith("write")) {
    const [path, content] = args as [string, Uint8Array | string];
    using file = Deno.openSync(path, { create: true, write: true, truncate: true });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    file.writeSync(bytes.subarray(0, bytes.length >> 1));
  }
  throw new Crash();
};

const isFolder = (path: string): boolean => {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
};

const fullAt = (at: number) => (call: number, change: () => unknown): unknown => {
  if (call !== at) return change();
  throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
};

const write = (run: string, step: number) => writeCheckpoint(run, model, exampleState(step), { keep: 1 });

const newRun = async (folder: string, name: string): Promise<string> => {
  const run = join(folder, name);
  for (const inside of ["checkpoints", "samples"]) await Deno.mkdir(join(run, inside), { recursive: true });
  await write(run, 1);
  return run;
};

const contentsOf = (run: string) => filesOf(run).map((path) => [path, Deno.readFileSync(join(run, path))] as const);

writingTest(
  "writeCheckpoint: cut off at any of its changes to the disk, it leaves a whole one to go on from",
  async (folder) => {
    const whole = await newRun(folder, "whole");
    const changes = await intercepting((_, change) => change(), () => write(whole, 2));
    assertGreater(changes, 20);
    const found = new Set<number>();
    for (let at = 0; at < changes; at++) {
      const run = await newRun(folder, `crash-${at}`);
      // A pruning that is cut off may go unnoticed: its leftovers are swept up later.
      await intercepting(crashAt(at), () => write(run, 2)).catch((error) => {
        if (!(error instanceof Crash)) throw error;
      });
      const { stored, damage } = await readCheckpoint(run, { rates: RATES });
      assertEquals(damage, [], `${at}`);
      assertEquals(stored, exampleState(stored!.step));
      assertEquals(await unreadableCheckpoints(run), [], `${at}`);
      found.add(stored!.step);
      await rewindRunFolder(run, stored!.step);
      await write(run, 2);
      assertEquals(contentsOf(run), contentsOf(whole), `${at}`);
      await Deno.remove(run, { recursive: true });
    }
    assertEquals([...found], [1, 2]);
  },
);

writingTest(
  "writeCheckpoint: a disk that is full at any moment is a DiskError, and the last one stays",
  async (folder) => {
    const whole = await newRun(folder, "whole");
    const changes = await intercepting((_, change) => change(), () => write(whole, 2));
    for (let at = 0; at < changes; at++) {
      const run = await newRun(folder, `full-${at}`);
      const work = () => intercepting(fullAt(at), () => write(run, 2));
      const isWritten = await work().then(() => true, async (error) => {
        await assertRejects(() => Promise.reject(error), DiskError, `Cannot write ${run}`, `${at}`);
        await assertRejects(() => Promise.reject(error), DiskError, ": no space is left on the device");
        return false;
      });
      const { stored, damage } = await readCheckpoint(run, { rates: RATES });
      assertEquals(damage, []);
      assertEquals(stored, exampleState(stored!.step));
      if (isWritten) assertEquals(stored!.step, 2);
      assertEquals(namesIn(join(run, "checkpoints")).filter((name) => name.endsWith(".partial")), []);
      assertEquals(namesIn(run).filter((name) => name.endsWith(".partial")), []);
      await Deno.remove(run, { recursive: true });
    }
  },
);
