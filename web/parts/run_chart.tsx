import { useMemo } from "preact/hooks";
import type { MetricPoint } from "../state/jobs.ts";
import { Chart } from "./chart.tsx";

/** What can be looked at. */
export const JOB_MEASURES = {
  loss: { text: "loss", label: "Loss" },
  bitsPerDim: { text: "bits/dim", label: "Bits per dimension, a running estimate" },
  gradientNorm: { text: "gradient", label: "Norm of the gradient, before clipping" },
  learningRate: { text: "rate", label: "Learning rate" },
} as const;

export type JobMeasure = keyof typeof JOB_MEASURES;

/** What it can be looked at over. */
export const JOB_AXES = { step: "steps", time: "time" } as const;

export type JobAxis = keyof typeof JOB_AXES;

/** What a run measured. */
export interface RunPoints {
  readonly id: string;
  readonly points: readonly MetricPoint[];
  /** Images a step. */
  readonly batch: number;
}

/** The colors of runs that are compared: custom properties of the page's style. */
export const runColor = (index: number): string => `--series-${index + 1}`;

/** Runs that are told apart at a time. */
export const MOST_RUNS = 6;

/** The mean over some points around each, so that a trend can be seen. */
const smooth = (values: readonly (number | null)[], reach: number): (number | null)[] =>
  values.map((_, i) => {
    const near = values.slice(Math.max(0, i - reach), i + reach + 1).filter((value) => value !== null);
    return near.length === 0 ? null : near.reduce((sum, value) => sum + value, 0) / near.length;
  });

/** Seconds that a run's steps took up to each point; samples and checkpoints are no part of them. */
const secondsOf = ({ points, batch }: RunPoints): number[] => {
  let seconds = 0;
  return points.map(({ rows = 1, imagesPerSecond }) => seconds += imagesPerSecond ? rows * batch / imagesPerSecond : 0);
};

const TIME_UNITS = [[7200, 3600, "hours"], [180, 60, "minutes"], [0, 1, "seconds"]] as const;

/** A measure of one run, with the trend through its points; or the trends of several, each in its color. */
export const RunChart = ({ runs, measure, axis, isLog }: {
  runs: readonly RunPoints[];
  measure: JobMeasure;
  axis: JobAxis;
  isLog: boolean;
}) => {
  const { label, text } = JOB_MEASURES[measure];
  const { x, lines, xLabel } = useMemo(() => {
    const places = runs.map((run) => axis === "step" ? run.points.map(({ step }) => step) : secondsOf(run));
    const last = Math.max(0, ...places.map((own) => own.at(-1) ?? 0));
    const [, unit, name] = TIME_UNITS.find(([from]) => last >= from)!;
    const scaled = axis === "step" ? places : places.map((own) => own.map((seconds) => seconds / unit));
    const x = [...new Set(scaled.flat())].sort((a, b) => a - b);
    const at = new Map(x.map((value, i) => [value, i]));
    const spread = (index: number, values: readonly (number | null)[]) => {
      const all = Array<number | null>(x.length).fill(null);
      values.forEach((value, i) => all[at.get(scaled[index][i])!] = value);
      return all;
    };
    const lines = runs.flatMap(({ id, points }, index) => {
      const values = points.map((point) => point[measure] ?? null);
      const trend = measure === "learningRate" ? values : smooth(values, Math.ceil(points.length / 60));
      const isOne = runs.length === 1;
      return [
        ...(isOne && trend !== values ? [{ name: "each", values: spread(index, values), isDots: true }] : []),
        {
          name: isOne ? text : id,
          values: spread(index, trend),
          isMain: true,
          spansGaps: true,
          ...(isOne ? {} : { color: runColor(index) }),
        },
      ];
    });
    return { x, lines, xLabel: axis === "step" ? "step" : `${name} of steps` };
  }, [runs, measure, axis]);
  return (
    <>
      <Chart
        label={`${label} over the ${JOB_AXES[axis]}`}
        xLabel={xLabel}
        x={x}
        lines={lines}
        isLog={isLog}
        height={260}
      />
      {runs.length > 1 && (
        <ul class="runs">
          {runs.map(({ id }, index) => (
            <li key={id}>
              <span class="swatch" style={{ background: `var(${runColor(index)})` }} />
              {id}
            </li>
          ))}
        </ul>
      )}
    </>
  );
};
