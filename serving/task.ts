import type { Plan } from "../core/plan.ts";

export { QueueFullError } from "./errors.ts";

/** Images to be made: image i starts from the noise of (seed, i) and follows the plan. */
export interface SamplingTask {
  readonly plan: Plan;
  readonly n: number;
  readonly seed: number;
  /** Class of each image; null for an unconditional network. */
  readonly labels: readonly number[] | null;
  /** Classifier-free guidance scale; 1 is off. */
  readonly guidance: number;
}

/** How far a task is: steps done over all its images, of the steps they take together. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** How a task is followed and called off. */
export interface TaskOptions {
  signal?: AbortSignal;
  onStep?: (progress: Progress) => void;
}
