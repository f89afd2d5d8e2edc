import { useMemo, useState } from "preact/hooks";
import { betaSchedule, createDiffusion, qPosterior } from "../../core/mod.ts";
import { Chart } from "../parts/chart.tsx";
import { Slider } from "../parts/fields.tsx";

const T = 20;
const diffusion = createDiffusion(betaSchedule("linear", T, { betaStart: 0.02, betaEnd: 0.5 }));
const X = Float64Array.from({ length: 301 }, (_, i) => -3 + i / 50);

const density = (x: number, mean: number, variance: number): number =>
  Math.exp(-((x - mean) ** 2) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);

/** Eq. 6 and 7 for one pixel: what the image says, what the noisy one says, and both together. */
export const PosteriorFigure = () => {
  const [start, setStart] = useState(0.8);
  const [noisy, setNoisy] = useState(-0.6);
  const [t, setT] = useState(8);
  const i = t - 1;
  const { mean, variance } = qPosterior(diffusion, Float32Array.of(start), Float32Array.of(noisy), i);
  const lines = useMemo(() => {
    const bar = diffusion.alphasCumprodPrev[i];
    const root = Math.sqrt(diffusion.alphas[i]);
    return [
      {
        name: "from x₀",
        values: X.map((x) => density(x, Math.sqrt(bar) * start, 1 - bar)),
        color: "--series-7",
        labelAt: "peak" as const,
      },
      {
        name: "from xₜ",
        values: X.map((x) => density(noisy, root * x, diffusion.betas[i])),
        color: "--series-4",
        labelAt: "peak" as const,
      },
      {
        name: "both",
        values: X.map((x) => density(x, mean[0], variance)),
        isMain: true,
        color: "--series-2",
        labelAt: "peak" as const,
      },
    ];
  }, [start, noisy, t]);
  return (
    <>
      <Chart
        label="Densities of the step before: from the image alone, from the noisy image alone, and from both"
        xLabel="one pixel of x at t − 1"
        x={X}
        lines={lines}
        height={220}
      />
      <div class="sliders">
        <Slider label="x₀" value={start} min={-1} max={1} step={0.05} text={start.toFixed(2)} onChange={setStart} />
        <Slider label="xₜ" value={noisy} min={-2} max={2} step={0.05} text={noisy.toFixed(2)} onChange={setNoisy} />
        <Slider label="t of 20" value={t} min={2} max={T} onChange={setT} />
      </div>
      <p class="hint">
        From x₀: q(xₜ₋₁ | x₀). From xₜ: q(xₜ | xₜ₋₁), seen as a function of xₜ₋₁. Both: their product, of mean{" "}
        {mean[0].toFixed(3)} and variance {variance.toFixed(3)}. A chain of 20 steps, so that one can be seen.
      </p>
    </>
  );
};
