import { toBytes } from "../formats/pixels.ts";
import type { Row } from "./row.ts";
import type { Preview } from "./serving.ts";
import type { SamplingTask } from "./task.ts";

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
