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

/** How each schedule's line is broken, so that all can be told apart without color. */
export const DASHES: Readonly<Record<ScheduleName, readonly number[]>> = {
  linear: [],
  cosine: [8, 4],
  sigmoid: [2, 3],
  quadratic: [8, 3, 2, 3],
  const: [14, 4],
  jsd: [4, 4],
  warmup10: [2, 6],
  warmup50: [12, 3, 2, 3, 2, 3],
};

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
            stroke={name === value ? "var(--accent)" : "var(--strong)"}
            stroke-width={name === value ? 2.5 : 1.25}
            stroke-dasharray={DASHES[name].join(" ")}
          />
        </svg>
        {name}
      </button>
    ))}
  </div>
);
