import type { EvaluationEvent } from "../subject.ts";
import type { Stand } from "./stand.ts";

/** Counts answers of the network, those of before a break too, and guesses how long the rest will take. */
export const createMeter = (
  { images, steps, stand, batch }: { images: number; steps: number; stand: Stand; batch: number },
): (images: number) => EvaluationEvent => {
  const { moments: { count }, pending } = stand;
  const rest = images - count - (pending?.size ?? 0);
  const asked = Math.ceil(count / batch) * steps + (pending ? steps - 1 - pending.step : 0);
  const all = (Math.ceil(count / batch) + (pending ? 1 : 0) + Math.ceil(rest / batch)) * steps;
  const rowsLeft = (images - count) * steps - (pending ? (steps - 1 - pending.step) * pending.size : 0);
  const started = performance.now();
  let [step, rows] = [asked, 0];
  return (size) => {
    step++;
    rows += size;
    const rowsPerSecond = rows * 1000 / (performance.now() - started);
    return {
      event: "progress",
      step,
      steps: all,
      imagesPerSecond: rowsPerSecond / steps,
      secondsLeft: (rowsLeft - rows) / rowsPerSecond,
    };
  };
};
