import type { TrainingEvent } from "./events.ts";
import { launchTraining, type OptionValues, type TrainingProcess } from "./launch.ts";

/** A training job: waiting, running, or ended in one of three ways. */
export type JobState = "waiting" | "running" | "succeeded" | "stopped" | "failed";

/** What is known of a job. */
export interface Job {
  readonly id: string;
  /** Its run folder. */
  readonly run: string;
  readonly options: OptionValues;
  state: JobState;
  step: number;
  steps: number | null;
  loss: number | null;
  imagesPerSecond: number | null;
  secondsLeft: number | null;
  /** Folder of the last checkpoint. */
  checkpoint: string | null;
  exitCode: number | null;
  error: string | null;
}

/** There is a job or a run folder of that name. */
export class JobExistsError extends Error {
  override name = "JobExistsError";
}

/** The training jobs of this server, one running at a time. */
export interface Jobs {
  /**
   * Adds a job, which starts when all before it have ended.
   *
   * @param name of the job and its folder under runs/; made up if absent
   * @throws {JobExistsError} if the name is taken
   */
  add(options: OptionValues, name?: string): Job;
  get(id: string): Job | undefined;
  list(): Job[];
  /** Stops a job: a running one writes a checkpoint first. */
  stop(id: string): void;
  /** Stops all jobs and waits for their processes; kills them after `grace` ms. */
  close(options?: { grace?: number }): Promise<void>;
}

const exists = (path: string): boolean => {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

/** The line of stderr that says what went wrong, above the stack; else the last. */
const errorLine = (stderr: string): string => {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /^error\b/i.test(line)) ?? lines.at(-1)!;
};

const note = (job: Job, event: TrainingEvent): void => {
  switch (event.event) {
    case "start":
      job.steps = event.steps;
      break;
    case "progress":
      ({
        step: job.step,
        steps: job.steps,
        loss: job.loss,
        imagesPerSecond: job.imagesPerSecond,
        secondsLeft: job.secondsLeft,
      } = event);
      break;
    case "checkpoint":
      job.checkpoint = event.folder;
      break;
    case "done":
    case "stopped":
      job.step = event.step;
      job.secondsLeft = null;
      break;
    case "error":
      job.error = event.message;
  }
};

/**
 * Makes an empty list of jobs.
 *
 * @param settings.launch starts a training process
 */
export const createJobs = ({ launch = launchTraining }: { launch?: typeof launchTraining } = {}): Jobs => {
  const jobs = new Map<string, Job>();
  let current: { job: Job; process: TrainingProcess; finished: Promise<void> } | null = null;
  let closed = false;

  const startNext = () => {
    if (current || closed) return;
    const job = jobs.values().find(({ state }) => state === "waiting");
    if (!job) return;
    job.state = "running";
    try {
      current = { job, ...start(job) };
    } catch (error) {
      job.state = "failed";
      job.error = error instanceof Error ? error.message : String(error);
      startNext();
    }
  };

  const start = (job: Job) => {
    let outcome: JobState = "failed";
    const onEvent = (event: TrainingEvent) => {
      note(job, event);
      if (event.event === "done") outcome = "succeeded";
      if (event.event === "stopped") outcome = "stopped";
    };
    const process = launch({ ...job.options, out: job.run }, { onEvent });
    const finished = process.ended.then(({ code, stderr }) => {
      job.exitCode = code;
      job.state = code === 0 ? outcome : "failed";
      if (job.state === "failed") {
        job.error ??= errorLine(stderr) || `the training process ended with code ${code}`;
      }
      current = null;
      startNext();
    });
    return { process, finished };
  };

  const stop = (id: string) => {
    const job = jobs.get(id);
    if (job?.state === "waiting") job.state = "stopped";
    else if (current?.job === job) current?.process.stop();
  };

  return {
    add: (options, name = `job-${crypto.randomUUID().slice(0, 8)}`) => {
      const run = `runs/${name}`;
      if (jobs.has(name) || exists(run)) throw new JobExistsError(`${run} is there already: choose another name`);
      const job: Job = {
        id: name,
        run,
        options,
        state: "waiting",
        step: 0,
        steps: null,
        loss: null,
        imagesPerSecond: null,
        secondsLeft: null,
        checkpoint: null,
        exitCode: null,
        error: null,
      };
      jobs.set(name, job);
      startNext();
      return job;
    },
    get: (id) => jobs.get(id),
    list: () => [...jobs.values()],
    stop,
    close: async ({ grace = 20_000 } = {}) => {
      closed = true;
      for (const id of jobs.keys()) stop(id);
      if (!current) return;
      const timer = setTimeout(current.process.kill, grace);
      await current.finished;
      clearTimeout(timer);
    },
  };
};
