import { betaSchedule, createDiffusion, type Diffusion, type ScheduleName, SCHEDULES } from "../../core/mod.ts";

/** Every schedule by name, for one T. */
export type Schedules = Readonly<Record<ScheduleName, Diffusion>>;

/** The tables of every schedule, computed here. */
export const allSchedules = (T: number): Schedules =>
  Object.fromEntries(SCHEDULES.map((name) => [name, createDiffusion(betaSchedule(name, T))])) as unknown as Schedules;

/** What is drawn of a schedule. */
export const CURVES = {
  alphas: {
    text: "ᾱ",
    label: "Share of the image's variance in x_t",
    of: (d: Diffusion) => d.alphasCumprod,
    range: [0, 1],
  },
  snr: {
    text: "log SNR",
    label: "Logarithm of the signal-to-noise ratio",
    of: (d: Diffusion) => d.snr.map(Math.log),
    range: [-15, 10],
  },
  betas: { text: "β", label: "Variance that a step adds", of: (d: Diffusion) => d.betas, range: [0, 0.05] },
} as const;

export type CurveName = keyof typeof CURVES;

/** The color of each schedule's line, a custom property of the style: the same in every chart. */
const COLORS: Readonly<Record<ScheduleName, string>> = {
  linear: "--series-1",
  cosine: "--series-2",
  sigmoid: "--series-3",
  quadratic: "--series-4",
  const: "--series-5",
  jsd: "--series-6",
  warmup10: "--series-7",
  warmup50: "--series-8",
};

/** A curve of all schedules as lines of a chart, each in its color and with its name; one is drawn over the others. */
export const scheduleLines = (schedules: Schedules, curve: CurveName, main: ScheduleName) =>
  [...SCHEDULES].sort((a, b) => Number(a === main) - Number(b === main)).map((name) => ({
    name,
    values: CURVES[curve].of(schedules[name]),
    isMain: name === main,
    color: COLORS[name],
    labelAt: "end" as const,
  }));

/** The schedules by name, each with its line; one is chosen. */
export const ScheduleLegend = (
  { value, onChange }: { value: ScheduleName; onChange: (name: ScheduleName) => void },
) => (
  <div class="legend" role="group" aria-label="Schedule">
    {SCHEDULES.map((name) => (
      <button
        key={name}
        type="button"
        aria-pressed={name === value}
        onClick={() => onChange(name)}
      >
        <svg width="30" height="8" aria-hidden="true">
          <line
            x1="0"
            x2="30"
            y1="4"
            y2="4"
            stroke={`var(${COLORS[name]})`}
            stroke-width={name === value ? 3.5 : 1.75}
          />
        </svg>
        {name}
      </button>
    ))}
  </div>
);
