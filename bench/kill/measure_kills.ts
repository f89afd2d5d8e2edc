import { fromFileUrl, join } from "@std/path";
import { grantLibrary } from "../../engine/tensorflow/permissions.ts";
import { NO_LIBRARY } from "../../engine/permissions.ts";
import { exists } from "../../files/exists.ts";
import { checkpointFolder, listSteps } from "../../training/checkpoint_files.ts";
import { parseTrainingEvent, type TrainingEvent } from "../../training/events.ts";
import { type Chance, createChance } from "../chance.ts";
import { compareRuns, unreadableCheckpoints } from "./check_runs.ts";

/** How a training process ended. */
export interface TrainingEnd {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stderr: string;
}

/** A training process that can be killed. */
export interface KillableTraining {
  readonly ended: Promise<TrainingEnd>;
  /** Ends it as a power cut would: nothing of it runs any more. */
  kill(): void;
}

const root = fromFileUrl(new URL("../../", import.meta.url));

/** Starts `train` with these arguments, as `deno task train` does; `onEvent` gets its events. */
const startTraining = (args: readonly string[], onEvent: (event: TrainingEvent) => void): KillableTraining => {
  const { path, read, ffi, env } = args.includes("wasm") ? NO_LIBRARY : grantLibrary();
  const permissions = [
    `--allow-read=${[".", ...read]}`,
    "--allow-write=runs",
    `--allow-env=${["XDG_RUNTIME_DIR", ...env]}`,
    ...(ffi.length > 0 ? [`--allow-ffi=${ffi}`] : []),
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...permissions, "main.ts", "train", ...args],
    cwd: root,
    env: { NO_COLOR: "1", ...(path === null ? {} : { DENOISE_TENSORFLOW: path }) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const listen = async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const event = parseTrainingEvent(line);
        if (event) onEvent(event);
      }
    }
  };
  const follow = async (): Promise<TrainingEnd> => {
    const [{ code, signal }, stderr] = await Promise.all([child.status, new Response(child.stderr).text(), listen()]);
    return { code, signal, stderr };
  };
  return {
    ended: follow(),
    kill: () => {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
};

/** What a training process was at when it was killed. */
export const KILLED_DURING = [
  "starting, before the run's recipe was there",
  "starting, or reading its checkpoint",
  "a step",
  "writing samples",
  "writing a checkpoint",
  "between a checkpoint and latest",
  "pruning",
] as const;

/** One of {@linkcode KILLED_DURING}. */
export type KilledDuring = typeof KILLED_DURING[number];

const entriesOf = (folder: string): string[] => {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
};

const readLatest = (run: string): string | null => {
  try {
    return Deno.readTextFileSync(join(run, "latest")).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/**
 * Tells from what a killed process left what it was at.
 *
 * @param options.hasStarted whether it had said so
 * @param options.keep checkpoints that the run keeps
 */
const whereKilled = (
  run: string,
  { hasStarted, keep }: { hasStarted: boolean; keep: number },
): KilledDuring => {
  const entries = entriesOf(run);
  if (!entries.includes("config.json")) return "starting, before the run's recipe was there";
  if (!hasStarted) return "starting, or reading its checkpoint";
  const checkpoints = entriesOf(join(run, "checkpoints"));
  if (checkpoints.some((name) => /^\.step-\d+\.(partial|replaced)$/.test(name))) return "writing a checkpoint";
  const [newest] = listSteps(join(run, "checkpoints"));
  if (newest !== undefined && readLatest(run) !== checkpointFolder(newest)) return "between a checkpoint and latest";
  const isOver = listSteps(join(run, "checkpoints")).length > keep;
  if (isOver || checkpoints.some((name) => name.endsWith(".pruned"))) return "pruning";
  return entriesOf(join(run, "samples")).some((name) => name.endsWith(".partial")) ? "writing samples" : "a step";
};

/** What is trained, again and again. */
export interface KilledRecipe {
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
export interface KilledRun {
  readonly places: readonly KilledDuring[];
  /** Anything but a clean resume: checkpoints that are damaged, processes that fail, notices. */
  readonly faults: readonly string[];
}

const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Resolves when a name like this appears among a run's checkpoints, for the `count`-th time, or the process has ended. */
const appears = async (run: string, name: RegExp, training: KillableTraining, count = 1): Promise<void> => {
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
const BEGUN = /\.partial$/, COMPLETE = /\/step-\d+$/;

/**
 * Trains without interruption, and sees how long that takes.
 *
 * @throws {Error} if it fails
 */
const trainWhole = async (run: string, { args }: KilledRecipe): Promise<Pace> => {
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
const runUntilKilled = async (
  run: string,
  training: KillableTraining,
  started: Promise<void>,
  chance: Chance,
  pace: Pace,
) => {
  const kind = chance.number();
  if (kind < 0.2) return await pause(chance.number() * pace.start);
  await Promise.race([started, training.ended]);
  if (kind < 0.5) return await pause(chance.number() * 4 * pace.between);
  await appears(run, kind < 0.75 ? BEGUN : COMPLETE, training, chance.integer(1, 3));
  // The moment between a checkpoint and `latest` is too short for a timer.
  if (kind < 0.87) await pause(chance.number() * (kind < 0.75 ? 1.3 : 0.3) * pace.checkpoint);
};

/**
 * Trains with SIGKILLs: each life but the last ends at a random moment, the next one resumes.
 *
 * @param options.kills kills at most; a run that is done has no more to give
 */
const trainKilled = async (
  run: string,
  { args, keep }: KilledRecipe,
  { kills, chance, pace }: { kills: number; chance: Chance; pace: Pace },
): Promise<KilledRun> => {
  const places: KilledDuring[] = [], faults: string[] = [];
  for (;;) {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    let hasStarted = false;
    const hasRecipe = await exists(join(run, "config.json"));
    const training = startTraining(hasRecipe ? ["--resume", run] : [...args, "--out", run], (event) => {
      if (event.event === "start") {
        hasStarted = true;
        start();
      }
      if (event.event === "notice") faults.push(event.message);
    });
    if (places.length < kills) {
      await runUntilKilled(run, training, started, chance, pace);
      training.kill();
    }
    const { code, signal, stderr } = await training.ended;
    if (signal === "SIGKILL") {
      places.push(whereKilled(run, { hasStarted, keep }));
      faults.push(...await unreadableCheckpoints(run));
      continue;
    }
    if (code !== 0) faults.push(`train ended with ${code}: ${stderr}`);
    return { places, faults };
  }
};

/** What came of many kills. */
export interface KillMeasurement {
  kills: number;
  /** Runs that were killed until they were done. */
  runs: number;
  /** Files compared between them and the uninterrupted run. */
  files: number;
  /** Kills by where they fell. */
  places: Partial<Record<KilledDuring, number>>;
  differences: string[];
  faults: string[];
}

/**
 * Trains once without interruption, then with SIGKILLs at random moments, run after run, until there were as many as
 * asked for; each of these runs, when it is done, is compared with the first.
 * Stops behind the first run that was not as it must be.
 *
 * @param folder an empty folder for the runs
 */
export const measureKills = async (
  folder: string,
  recipe: KilledRecipe,
  { kills, seed, onProgress = () => {} }: {
    kills: number;
    seed: number;
    onProgress?: (sofar: KillMeasurement) => void;
  },
): Promise<KillMeasurement> => {
  const chance = createChance(seed);
  const whole = `${folder}/whole`;
  const pace = await trainWhole(whole, recipe);
  const measured: KillMeasurement = { kills: 0, runs: 0, files: 0, places: {}, differences: [], faults: [] };
  while (measured.kills < kills && measured.faults.length + measured.differences.length === 0) {
    const run = `${folder}/killed-${++measured.runs}`;
    const { places, faults } = await trainKilled(run, recipe, { kills: kills - measured.kills, chance, pace });
    for (const phase of places) measured.places[phase] = (measured.places[phase] ?? 0) + 1;
    const { files, differences } = compareRuns(whole, run);
    measured.kills += places.length;
    measured.files += files;
    measured.differences.push(...differences.map((path) => `${run}/${path}`));
    measured.faults.push(...faults);
    onProgress(measured);
  }
  return measured;
};
