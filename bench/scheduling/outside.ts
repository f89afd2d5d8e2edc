import type { Serving } from "../../serving/serving.ts";
import { median } from "../median.ts";
import type { Way } from "./ways.ts";

/** Seconds that a run takes about, and the steps that it has at most. */
const RUN_SECONDS = 3, MOST_STEPS = 100;
const RUNS = 5;

/** What a step takes, and how much of it is not the network's. */
export interface Outside {
  readonly steps: number;
  /** Of a step, everything included. */
  readonly milliseconds: number;
  /** Percent of the time that is not spent in network calls. */
  readonly percent: number;
  /** The part of it that lies within the scheduler's steps: noise and samplers. */
  readonly percentInSteps: number;
}

/** Runs some work, and adds up what it took, in seconds: by the clock, in steps, and in network calls. */
const time = async (serving: Serving, work: () => Promise<unknown>) => {
  let [step, engine] = [0, 0];
  const { onBatch } = serving;
  serving.onBatch = (batch) => {
    step += batch.seconds;
    engine += batch.engineSeconds;
    onBatch?.(batch);
  };
  const started = performance.now();
  try {
    await work();
  } finally {
    serving.onBatch = onBatch;
  }
  return { wall: (performance.now() - started) / 1000, step, engine };
};

/** Measures what `rows` images of one request take outside the network: medians of several runs. */
export const measureOutside = async (serving: Serving, way: Way, rows: number): Promise<Outside> => {
  await way.draw(rows, 5);
  const { wall } = await time(serving, () => way.draw(rows, 5));
  const steps = Math.max(10, Math.min(MOST_STEPS, Math.round(5 * RUN_SECONDS / wall)));
  const runs: Awaited<ReturnType<typeof time>>[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await time(serving, () => way.draw(rows, steps)));
  return {
    steps,
    milliseconds: 1000 * median(runs.map(({ wall }) => wall)) / steps,
    percent: 100 * median(runs.map(({ wall, engine }) => (wall - engine) / wall)),
    percentInSteps: 100 * median(runs.map(({ wall, step, engine }) => (step - engine) / wall)),
  };
};
