import type { PlanRow } from "../core/plan.ts";
import type { RepaintOperation } from "../core/repaint_schedule.ts";
import type { Preview } from "./serving.ts";

/** One operation on an image on its way. It draws the noise of its own place in the list, plus one. */
export interface Operation {
  /** What the network is asked, and the update that follows; null where it is not asked. */
  readonly row: PlanRow | null;
  /** Present where the image is being inpainted. */
  readonly repaint: RepaintOperation | null;
}

/** Images to be made, compiled: each starts somewhere and goes through the same operations. The first asks the network. */
export interface SamplingTask {
  readonly operations: readonly Operation[];
  /** Operations that ask the network. */
  readonly steps: number;
  readonly n: number;
  readonly seed: number;
  /** The sample whose noise image i draws. */
  readonly sampleOf: (i: number) => number;
  /** What image i starts from, as a new array of H·W·C values. */
  readonly start: (i: number) => Float32Array;
  /** Where the image is inpainted: H·W·C values to complete, and the mask of H·W values. */
  readonly known: { readonly image: Float32Array; readonly mask: Float32Array } | null;
  /** Class of each image; null for an unconditional network. */
  readonly labels: readonly number[] | null;
  /** Classifier-free guidance scale; 1 is off. */
  readonly guidance: number;
}

/** How far a task is. */
export interface Progress {
  /** Network steps done over all its images, of those they take together. */
  readonly done: number;
  readonly total: number;
  /** Network steps done by the image that is last, of those an image takes. */
  readonly step: number;
  readonly steps: number;
  readonly preview?: Preview;
}

/** How a task is followed and called off. */
export interface TaskOptions {
  readonly signal?: AbortSignal;
  /** Called at once, with the unfinished images that come before. */
  readonly onQueued?: (position: number) => void;
  /** Called before the first step. */
  readonly onStarted?: () => void;
  readonly onStep?: (progress: Progress) => void;
  /** About so many previews, the first step's and the last one's included. @default 0 */
  readonly previews?: number;
}

/** Rows of one network call that an image takes: two where it is guided, with its class and with none. */
export const placesOf = ({ guidance }: SamplingTask): 1 | 2 => guidance === 1 ? 1 : 2;

/** Rows of network calls that a task takes in all. */
export const workOf = (task: SamplingTask): number => task.n * task.steps * placesOf(task);
