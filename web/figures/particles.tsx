import { useEffect, useRef, useState } from "preact/hooks";
import { betaSchedule, compilePlan, createDiffusion, sample, type SamplerName, SAMPLERS } from "../../core/mod.ts";
import { RadioGroup, Slider } from "../parts/fields.tsx";
import { useStore } from "../state/store.ts";
import { theme } from "../state/theme.ts";

const COUNT = 500;
const SIZE = 320;

/** Half of the plane's side. */
const REACH = 2.4;
const diffusion = createDiffusion(betaSchedule("linear", 1000));

/** The data: eight narrow Gaussians on a ring, whose ideal network is known in closed form. */
const DEVIATION = 0.06;
const CENTERS = Array.from({ length: 8 }, (_, i) => [Math.cos(i * Math.PI / 4), Math.sin(i * Math.PI / 4)] as const);

/** ε_θ of the ideal network: what is left of x_t once the mean of all x_0 that may lie under it is taken away. */
const evaluate = (x: Float32Array, timesteps: Int32Array): Float32Array => {
  const out = new Float32Array(x.length);
  for (let i = 0; i < timesteps.length; i++) {
    const bar = diffusion.alphasCumprod[timesteps[i]];
    const signal = Math.sqrt(bar);
    const variance = bar * DEVIATION ** 2 + 1 - bar;
    const shrink = signal * DEVIATION ** 2 / variance;
    const [px, py] = [x[2 * i], x[2 * i + 1]];
    const squares = CENTERS.map(([cx, cy]) => (px - signal * cx) ** 2 + (py - signal * cy) ** 2);
    const least = Math.min(...squares);
    const shares = squares.map((square) => Math.exp((least - square) / (2 * variance)));
    const sum = shares.reduce((a, b) => a + b);
    let [mx, my] = [0, 0];
    CENTERS.forEach(([cx, cy], k) => {
      mx += shares[k] / sum * (cx + shrink * (px - signal * cx));
      my += shares[k] / sum * (cy + shrink * (py - signal * cy));
    });
    out[2 * i] = (px - signal * mx) / Math.sqrt(1 - bar);
    out[2 * i + 1] = (py - signal * my) / Math.sqrt(1 - bar);
  }
  return out;
};

interface PointsFrame {
  readonly timestep: number;
  readonly x: Float32Array;
  readonly x0: Float32Array;
}

const samplePoints = async (sampler: SamplerName, steps: number, signal: AbortSignal): Promise<PointsFrame[]> => {
  const frames: PointsFrame[] = [];
  const spacing = sampler === "ddpm" || sampler === "ddim" ? "trailing" : undefined;
  const plan = compilePlan({ diffusion, sampler, steps, spacing, clip: Infinity });
  const onStep = ({ row, x, x0 }: { row: { timestep: number }; x: Float32Array; x0: Float32Array }) => {
    frames.push({ timestep: row.timestep, x: x.slice(), x0: x0.slice() });
  };
  await sample({ plan, shape: [COUNT, 1, 1, 2], evaluate, seed: 7, signal, onStep });
  return frames;
};

const Cloud = ({ points, label }: { points: Float32Array | null; label: string }) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useStore(theme);
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const style = getComputedStyle(document.documentElement);
    const at = (value: number) => (value / REACH + 1) * SIZE / 2;
    context.clearRect(0, 0, SIZE, SIZE);
    context.fillStyle = style.getPropertyValue("--line");
    for (const [x, y] of CENTERS) {
      context.beginPath();
      context.arc(at(x), at(y), 2 * DEVIATION / REACH * SIZE, 0, 2 * Math.PI);
      context.fill();
    }
    if (points === null) return;
    context.fillStyle = style.getPropertyValue("--accent");
    context.globalAlpha = 0.7;
    for (let i = 0; i < points.length; i += 2) {
      context.beginPath();
      context.arc(at(points[i]), at(points[i + 1]), 1.8, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }, [points, shown]);
  return <canvas ref={canvas} class="cloud" width={SIZE} height={SIZE} role="img" aria-label={label} />;
};

/** Every sampler on data of two dimensions, run here by the plans and the loop of core/. */
export const ParticlesFigure = () => {
  const [sampler, setSampler] = useState<SamplerName>("ddpm");
  const [steps, setSteps] = useState(50);
  const [frames, setFrames] = useState<readonly PointsFrame[]>([]);
  const [at, goTo] = useState(49);
  useEffect(() => {
    const controller = new AbortController();
    samplePoints(sampler, steps, controller.signal).then((drawn) => {
      if (controller.signal.aborted) return;
      setFrames(drawn);
      goTo(drawn.length - 1);
    }, () => {});
    return () => controller.abort();
  }, [sampler, steps]);
  const frame = frames[Math.min(at, frames.length - 1)] ?? null;
  return (
    <>
      <div class="chart-head">
        <RadioGroup
          label="Sampler"
          value={sampler}
          options={SAMPLERS.map((name) => [name, name] as const)}
          onChange={setSampler}
        />
      </div>
      <div class="pair">
        <figure>
          <figcaption>
            <i>
              x<sub>t</sub>
            </i>{" "}
            <span>500 points</span>
          </figcaption>
          <Cloud points={frame?.x ?? null} label="The points on their way" />
        </figure>
        <figure>
          <figcaption>
            <i>x̂</i>
            <sub>0</sub> <span>where the ideal network guesses they end</span>
          </figcaption>
          <Cloud points={frame?.x0 ?? null} label="Where the ideal network guesses they end" />
        </figure>
      </div>
      <div class="sliders">
        <Slider
          label="after call"
          value={at + 1}
          min={1}
          max={Math.max(2, frames.length)}
          text={`${at + 1} of ${frames.length}`}
          onChange={(step) => goTo(step - 1)}
        />
        <Slider label="steps in all" value={steps} min={2} max={200} onChange={setSteps} />
      </div>
      <p class="hint">
        The data are eight narrow Gaussians on a ring, for which the ideal network is known. Take few steps, and see
        which samplers still arrive.
      </p>
    </>
  );
};
