import { basename, join, SEPARATOR } from "@std/path";
import { unlessMissing } from "../../files/exists.ts";
import { JobMissingError, type Jobs } from "../../jobs/jobs.ts";
import type { RunStorage } from "../../jobs/storage/storage.ts";
import { ParameterError } from "../../sampling/errors.ts";
import { ModelConflictError } from "../../serving/serving.ts";
import { checkpointFolder, listSteps, stepOf } from "../../training/checkpoint_files.ts";

/** What says that there is nothing to be read at a path: nothing, or what leads to where this program may not look. */
const UNREADABLE = [
  Deno.errors.NotFound,
  Deno.errors.NotADirectory,
  Deno.errors.FilesystemLoop,
  Deno.errors.PermissionDenied,
  Deno.errors.NotCapable,
];

/**
 * Where a path leads once all links are followed; null if there is nothing, or it is not below the root.
 *
 * @param root may be a link itself
 */
export const realPathBelow = async (root: string, path: string): Promise<string | null> => {
  try {
    const [base, real] = await Promise.all([Deno.realPath(root), Deno.realPath(path)]);
    return real.startsWith(base + SEPARATOR) ? real : null;
  } catch (error) {
    if (UNREADABLE.some((kind) => error instanceof kind)) return null;
    throw error;
  }
};

/** Folder of the runs, and of the models that nobody removes by himself. */
export const RUNS = "runs";
export const MODELS = "models";

const NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}";

/** What names a checkpoint: a model, a run, or one of a run's checkpoints. It holds no `..` and begins at no root. */
export const CHECKPOINT = new RegExp(`^(${MODELS}/${NAME}|${RUNS}/${NAME}(/checkpoints/step-(0|[1-9][0-9]{0,14}))?)$`);

/** What is asked to be served. */
interface CheckpointRequest {
  readonly job?: string;
  readonly checkpoint?: string;
  /** The rate of a moving average; a run's first where none is given. */
  readonly ema?: number;
}

/** Where it lies. */
export interface LocatedCheckpoints {
  readonly root: typeof RUNS | typeof MODELS;
  /** What it is called if nobody says. */
  readonly name: string;
  /** The checkpoints that it may be, the first that can be read; each with the folder within it. */
  readonly choices: readonly { readonly checkpoint: string; readonly part: string }[];
}

/** A run's checkpoints: the one that `latest` names, then older ones. */
const checkpointsOf = async (run: string): Promise<string[]> => {
  const latest = stepOf(basename((await unlessMissing(Deno.readTextFile(join(run, "latest"))))?.trim() ?? ""));
  const steps = listSteps(join(run, "checkpoints")).filter((step) => latest === null || step <= latest);
  return steps.map((step) => join(run, checkpointFolder(step)));
};

/** The rates of a run's averages, the first one first. */
const ratesOf = async (run: string): Promise<number[]> => {
  const config = await unlessMissing(Deno.readTextFile(join(run, "config.json")));
  try {
    const { ema } = JSON.parse(config ?? "{}");
    return [ema].flat().filter((rate) => typeof rate === "number");
  } catch {
    return [];
  }
};

const partOf = async (run: string, ema: number | undefined): Promise<string> => {
  if (ema === undefined) return "";
  const rates = await ratesOf(run);
  if (rates.includes(ema)) return rates[0] === ema ? "" : `ema-${ema}`;
  throw new ParameterError([{
    field: "ema",
    received: ema,
    allowed: `one of ${run}'s, ${rates.join(", ") || "none"}`,
  }]);
};

const runOfJob = async (id: string, jobs: Jobs): Promise<string> => {
  const job = await jobs.get(id);
  if (job === undefined) throw new JobMissingError(`there is no job ${JSON.stringify(id)}`);
  return job.run;
};

/**
 * Finds what is asked for. No name leads out of the two folders, not by a link either.
 *
 * @param deps.storage where runs are kept that other machines train
 * @throws {ParameterError} if there is nothing of that name
 * @throws {ModelConflictError} if a job has no checkpoint yet
 */
export const locateCheckpoints = async (
  { job, checkpoint, ema }: CheckpointRequest,
  { jobs, storage }: { jobs: Jobs; storage: Pick<RunStorage, "fetch"> | null },
): Promise<LocatedCheckpoints> => {
  const path = job === undefined ? checkpoint! : await runOfJob(job, jobs);
  const [root, folder, ...rest] = path.split("/");
  const run = `${root}/${folder}`;
  const average = ema === undefined ? "" : `-ema-${ema}`;
  const missing = (): never => {
    if (job !== undefined) throw new ModelConflictError(`the job ${job} has no checkpoint yet`);
    const allowed =
      `a model or checkpoint that is there: ${MODELS}/NAME, ${RUNS}/NAME or ${RUNS}/NAME/checkpoints/step-N`;
    throw new ParameterError([{ field: "checkpoint", received: checkpoint, allowed }]);
  };
  if (root === MODELS) {
    if (await realPathBelow(MODELS, run) === null) missing();
    if (ema !== undefined) throw new ParameterError([{ field: "ema", received: ema, allowed: "absent with a model" }]);
    return { root, name: folder, choices: [{ checkpoint: run, part: "" }] };
  }
  if (job !== undefined) await storage?.fetch(run);
  if (await realPathBelow(RUNS, run) === null) missing();
  const checkpoints = rest.length > 0 ? [path] : await checkpointsOf(run);
  const there = await Promise.all(checkpoints.map((folder) => realPathBelow(RUNS, folder)));
  const found = checkpoints.filter((_, i) => there[i] !== null);
  if (found.length === 0) missing();
  const part = await partOf(run, ema);
  const name = [folder, ...rest.slice(1)].join("-") + average;
  return { root: RUNS, name, choices: found.map((checkpoint) => ({ checkpoint, part })) };
};
