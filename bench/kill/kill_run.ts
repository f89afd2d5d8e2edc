import { join } from "@std/path";
import type { Chance } from "../chance.ts";
import { startTraining, type Training } from "./start_training.ts";
import { unreadableOf } from "./unreadable.ts";
import { type Place, whereKilled } from "./where_killed.ts";

/** What is trained, again and again. */
export interface Recipe {
  /** Arguments of `train`, without folders. */
  readonly args: readonly string[];
  readonly keep: number;
}

/** How long an uninterrupted run took over its parts, in milliseconds. */
export interface Pace {
  /** From the process' start to the first step. */
  readonly start: number;
  /** From one checkpoint to the next. */
  readonly between: number;
  /** To write one. */
  readonly checkpoint: number;
}

/** What was seen while a run was killed again and again. */
export interface Killed {
  readonly places: readonly Place[];
  /** Anything but a clean resume: checkpoints that are damaged, processes that fail, notices. */
  readonly faults: readonly string[];
}

const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Resolves when a name like this appears among a run's checkpoints, for the `count`-th time, or the process has ended. */
const appears = async (run: string, name: RegExp, training: Training, count = 1): Promise<void> => {
  using watcher = Deno.watchFs(join(run, "checkpoints"), { recursive: false });
  const seen = new Set<string>();
  const watch = async () => {
    for await (const { paths } of watcher) {
      for (const path of paths) if (name.test(path) && !seen.has(path) && seen.add(path).size === count) return;
    }
  };
  await Promise.race([watch(), training.ended]);
};

/** A checkpoint that is being written, and one that is there. */
const BEGUN = /\.partial$/, THERE = /\/step-\d+$/;

/**
 * Trains without interruption, and sees how long that takes.
 *
 * @throws {Error} if it fails
 */
export const trainWhole = async (run: string, { args }: Recipe): Promise<Pace> => {
  const begin = performance.now();
  const checkpoints: number[] = [], writes: number[] = [];
  let started = NaN, began = NaN;
  const whole = Promise.withResolvers<void>();
  const training = startTraining([...args, "--out", run], ({ event }) => {
    if (event === "start") {
      started = performance.now();
      whole.resolve();
    }
    if (event !== "checkpoint") return;
    checkpoints.push(performance.now());
    if (!Number.isNaN(began)) writes.push(performance.now() - began);
    began = NaN;
  });
  const watch = async () => {
    await Promise.race([whole.promise, training.ended]);
    let ended = false;
    training.ended.then(() => ended = true);
    while (!ended) {
      await appears(run, BEGUN, training);
      began = performance.now();
    }
  };
  const [{ code, stderr }] = await Promise.all([training.ended, watch()]);
  if (code !== 0) throw new Error(`train ended with ${code}: ${stderr}`);
  const between = checkpoints.slice(1).map((time, i) => time - checkpoints[i]);
  return { start: started - begin, between: median(between), checkpoint: median(writes) };
};

/** Lets a process live for a while: until somewhere in its start, its steps, or what it does around a checkpoint. */
const live = async (run: string, training: Training, started: Promise<void>, chance: Chance, pace: Pace) => {
  const kind = chance.number();
  if (kind < 0.2) return await pause(chance.number() * pace.start);
  await Promise.race([started, training.ended]);
  if (kind < 0.5) return await pause(chance.number() * 4 * pace.between);
  await appears(run, kind < 0.75 ? BEGUN : THERE, training, chance.integer(1, 3));
  // The moment between a checkpoint and `latest` is too short for a timer.
  if (kind < 0.87) await pause(chance.number() * (kind < 0.75 ? 1.3 : 0.3) * pace.checkpoint);
};

/**
 * Trains with SIGKILLs: each life but the last ends at a random moment, the next one resumes.
 *
 * @param options.kills kills at most; a run that is done has no more to give
 */
export const trainKilled = async (
  run: string,
  { args, keep }: Recipe,
  { kills, chance, pace }: { kills: number; chance: Chance; pace: Pace },
): Promise<Killed> => {
  const places: Place[] = [], faults: string[] = [];
  const hasRecipe = () => {
    try {
      return Deno.statSync(join(run, "config.json")).isFile;
    } catch {
      return false;
    }
  };
  for (;;) {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    let hasStarted = false;
    const training = startTraining(hasRecipe() ? ["--resume", run] : [...args, "--out", run], (event) => {
      if (event.event === "start") {
        hasStarted = true;
        start();
      }
      if (event.event === "notice") faults.push(event.message);
    });
    if (places.length < kills) {
      await live(run, training, started, chance, pace);
      training.kill();
    }
    const { code, signal, stderr } = await training.ended;
    if (signal === "SIGKILL") {
      places.push(whereKilled(run, { hasStarted, keep }));
      faults.push(...await unreadableOf(run));
      continue;
    }
    if (code !== 0) faults.push(`train ended with ${code}: ${stderr}`);
    return { places, faults };
  }
};
