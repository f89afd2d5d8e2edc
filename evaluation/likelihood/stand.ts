import { createMoments, type Moments } from "./moments.ts";
import { quantitiesOf } from "./quantities.ts";

/** Images at work together. */
export interface Pending {
  readonly size: number;
  /** The step that the network is asked for next, down to 0. */
  step: number;
  /** The quantities of each, image after image, filled in down to `step`. */
  readonly values: Float64Array<ArrayBuffer>;
}

/** How far an evaluation has come: all that it needs to go on. */
export interface Stand {
  /** Of the images that are done, in their order. */
  readonly moments: Moments;
  /** Those that follow them. */
  pending: Pending | null;
}

/** Nothing done yet, in a process of `steps` steps. */
export const createStand = (steps: number): Stand => ({ moments: createMoments(quantitiesOf(steps)), pending: null });
