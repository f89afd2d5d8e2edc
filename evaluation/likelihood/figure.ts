import { chart, moved, type Series } from "../../figures/chart.ts";
import { svgDocument } from "../../figures/svg.ts";
import { literally, typeset } from "../../figures/typeset.ts";
import type { Estimate, Findings, StepFindings } from "./findings.ts";

const WIDTH = 1020, TOP = 44, GAP = 14;
const FEW = 60;

const seriesOf = (
  steps: readonly StepFindings[],
  name: string,
  x: (step: StepFindings) => number,
  y: (step: StepFindings) => Estimate,
): Series => ({
  name,
  points: steps.map((step) => ({ x: x(step), y: y(step).mean, error: y(step).standardError })),
  dots: steps.length <= FEW,
});

/**
 * Draws what was found: the terms of the bound and the errors of the network over t, then rate and distortion as figure 5
 * of Ho et al. 2020 has them. Bands are of one standard error to both sides.
 *
 * @param options.timesteps T, of the whole process
 * @param options.title what was measured, as plain text
 */
export const drawFindings = (
  { steps }: Findings,
  { timesteps, title }: { timesteps: number; title: string },
): string => {
  const [half, third] = [(WIDTH - GAP) / 2, (WIDTH - 2 * GAP) / 3];
  const [upper, lower] = [330, 290];
  // The paper counts t from 1.
  const t = (step: StepFindings) => step.t + 1;
  const reverseTime = (step: StepFindings) => timesteps - step.t;
  const time = { label: "reverse process steps $T - t + 1$", domain: [0, timesteps] } as const;
  const bits = "bits per dimension";

  const terms = chart({
    title: "Terms of the bound",
    width: half,
    height: upper,
    x: { label: "$t$", scale: "log" },
    y: { label: bits, scale: "log" },
    series: [seriesOf(steps, "$L_{t-1}$", t, (step) => step.bits)],
  });
  const errors = chart({
    title: "Errors of the network",
    width: half,
    height: upper,
    x: { label: "$t$", domain: [0, timesteps] },
    y: { label: "mean squared error", scale: "log" },
    series: [
      seriesOf(steps, "of $x_0$", t, (step) => step.xStartMse),
      seriesOf(steps, "of $\\epsilon$", t, (step) => step.epsilonMse),
    ],
  });
  const distortion = chart({
    title: "Distortion",
    width: third,
    height: lower,
    x: time,
    y: { label: "RMSE, scale 0 to 255" },
    series: [seriesOf(steps, "distortion", reverseTime, (step) => step.distortion)],
  });
  const rate = chart({
    title: "Rate",
    width: third,
    height: lower,
    x: time,
    y: { label: bits },
    series: [seriesOf(steps, "rate", reverseTime, (step) => step.rate)],
  });
  const both = chart({
    title: "Rate and distortion",
    width: third,
    height: lower,
    x: { label: "rate, bits per dimension" },
    y: { label: "RMSE, scale 0 to 255" },
    series: [seriesOf(steps, "distortion", (step) => step.rate.mean, (step) => step.distortion)],
  });

  return svgDocument(
    { width: WIDTH, height: TOP + upper + GAP + lower, title },
    typeset(literally(title), { size: 18 }).at(WIDTH / 2, 26, { anchor: "middle" }),
    moved(terms, 0, TOP),
    moved(errors, half + GAP, TOP),
    moved(distortion, 0, TOP + upper + GAP),
    moved(rate, third + GAP, TOP + upper + GAP),
    moved(both, 2 * (third + GAP), TOP + upper + GAP),
  );
};
