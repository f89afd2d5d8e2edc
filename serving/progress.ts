import { toBytes } from "../formats/pixels.ts";
import type { SamplingTask } from "../sampling/compile.ts";
import type { Row } from "../sampling/denoise.ts";

/** The images of a request as they are at one of its steps: bytes, n·H·W·C, NHWC. */
export interface Preview {
  /** The network steps that each image has done. */
  readonly step: number;
  /** The timestep that the last of them asked the network for. */
  readonly timestep: number;
  /** x after the step. */
  readonly x: Uint8Array<ArrayBuffer>;
  /** The idea of the final image. */
  readonly x0: Uint8Array<ArrayBuffer>;
}

/** How far a task is. */
export interface TaskProgress {
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
  /** Whose it is: clients share the network, and the tasks of each its part. @default "" */
  readonly client?: string;
  readonly signal?: AbortSignal;
  /** Called at once, with the unfinished images that come before. */
  readonly onQueued?: (position: number) => void;
  /** Called before the first step. */
  readonly onStarted?: () => void;
  readonly onStep?: (progress: TaskProgress) => void;
  /** About so many previews, the first step's and the last one's included. @default 0 */
  readonly previews?: number;
}

/** What becomes of a request: `queued` once, `started` once, then `step` after each network call that it took part in. */
export type TaskEvent =
  | {
    readonly type: "queued";
    /** Unfinished images whose turn comes before. */
    readonly position: number;
  }
  | { readonly type: "started" }
  | {
    readonly type: "step";
    /** Network steps done over all its images, of the steps they take together. */
    readonly done: number;
    readonly total: number;
    /** Network steps done by the image that is last, of the steps of an image. */
    readonly step: number;
    readonly steps: number;
    readonly preview?: Preview;
  };

/** The steps, counted from 1, after which `count` previews are taken of `steps`: evenly, the first and the last included. */
export const previewSteps = (count: number, steps: number): number[] => {
  if (count < 1) return [];
  if (count === 1 || steps === 1) return [steps];
  const last = Math.min(count, steps) - 1;
  return Array.from({ length: last + 1 }, (_, i) => 1 + Math.round(i * (steps - 1) / last));
};

/** Collects the previews of a task. */
export interface Previews {
  /** Takes note of an image after its step `step`; gives the preview of that step once all images are there. */
  add(row: Row, step: number): Preview | undefined;
}

/** Collects about `count` previews of a task, whose images come to a step one by one. */
export const createPreviews = ({ n, operations, steps }: SamplingTask, count: number): Previews => {
  const wanted = new Set(previewSteps(count, steps));
  const timesteps = wanted.size === 0 ? [] : operations.flatMap(({ row }) => row === null ? [] : [row.timestep]);
  const open = new Map<number, Preview & { missing: number }>();

  const add = ({ x, x0, index }: Row, step: number): Preview | undefined => {
    if (!wanted.has(step)) return;
    if (!open.has(step)) {
      const bytes = () => new Uint8Array(n * x.length);
      open.set(step, { step, timestep: timesteps[step - 1], x: bytes(), x0: bytes(), missing: n });
    }
    const preview = open.get(step)!;
    preview.x.set(toBytes(x), index * x.length);
    preview.x0.set(toBytes(x0), index * x.length);
    if (--preview.missing > 0) return;
    open.delete(step);
    const { missing: _, ...complete } = preview;
    return complete;
  };

  return { add };
};
