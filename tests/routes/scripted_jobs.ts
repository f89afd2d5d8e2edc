import type { Jobs, OptionValues } from "../../jobs/jobs.ts";
import type { TrainingExit } from "../../jobs/launch.ts";
import type { TrainingEvent } from "../../training/events.ts";
import { createMemoryJobs } from "../jobs/memory_jobs.ts";

/** A training process that says what a test has it say. */
export interface ScriptedProcess {
  readonly options: OptionValues;
  say(event: TrainingEvent): void;
  end(exit?: Partial<TrainingExit>): void;
}

/** Jobs without processes: `started` has one entry for each that would have been started. */
export const scriptedJobs = (): { jobs: Jobs; started: ScriptedProcess[] } => {
  const started: ScriptedProcess[] = [];
  const jobs = createMemoryJobs({
    launch: (options, { onEvent }) => {
      const { promise, resolve } = Promise.withResolvers<TrainingExit>();
      let step = 0;
      const end = ({ code = 0, stderr = "", isKilled = false }: Partial<TrainingExit> = {}) =>
        resolve({ code, stderr, isKilled });
      const say = (event: TrainingEvent) => {
        if ("step" in event) step = event.step;
        onEvent(event);
      };
      started.push({ options, say, end });
      const stop = () => {
        say({ event: "stopped", step, resume: "deno task train --resume RUN" });
        end();
      };
      return { ended: promise, stop, kill: () => end({ code: 137 }), renew: () => {} };
    },
  });
  return { jobs, started };
};

/** A `progress` event as a process says it. */
export const progress = (step: number, steps = 10): TrainingEvent => ({
  event: "progress",
  step,
  steps,
  loss: 1 / step,
  imagesPerSecond: 10,
  secondsLeft: steps - step,
});
