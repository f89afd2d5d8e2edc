import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { createDiffusion, type Diffusion } from "../../core/diffusion.ts";
import { applyRow, needsNoise, type Plan } from "../../core/plan.ts";
import { compileInversion, compilePlan, type PlanOptions } from "../../core/samplers.ts";
import { rescaleZeroTerminalSnr } from "../../core/schedules.ts";

// tests/fixtures/core/trajectories.py made the values and holds the same noise and network.
interface Case {
  sampler: string;
  prediction: PlanOptions["prediction"];
  spacing: PlanOptions["spacing"];
  variance?: PlanOptions["variance"];
  clip?: number | null;
  eta?: number;
  steps: number;
  zeroSnr?: boolean;
  stock?: boolean;
  timesteps?: number[];
  middle: number[];
  final: number[];
}

const url = new URL("../fixtures/core/trajectories.json", import.meta.url);
const cases: Case[] = JSON.parse(await Deno.readTextFile(url));

const LENGTH = 8;
const CHANNELS = 2;
const betas = Float64Array.from({ length: 1000 }, (_, t) => 0.0001 + (0.02 - 0.0001) * t / 999);
const paper = createDiffusion(betas);
const zeroSnr = createDiffusion(rescaleZeroTerminalSnr(betas));

const fill = (entry: (i: number) => number) => Float32Array.from({ length: LENGTH }, (_, i) => entry(i));
const startNoise = () => fill((i) => 1.4 * Math.cos(2.1 * i + 0.3));
const noise = (row: number) => fill((i) => 1.5 * Math.sin(12.9898 * (row + 1) + 78.233 * (i + 1)));
const network = (x: Float32Array, t: number) =>
  x.map((v, i) => 0.5 * Math.tanh(0.7 * v) + 0.5 * Math.sin(0.01 * t + i));

const widened = (out: Float32Array, t: number, variance: string) => {
  const wide = new Float32Array(2 * LENGTH);
  for (let i = 0; i < LENGTH; i++) {
    const k = Math.floor(i / CHANNELS) * 2 * CHANNELS + i % CHANNELS;
    wide[k] = out[i];
    wide[k + CHANNELS] = Math.sin(0.003 * t + 1.7 * i) - (variance === "learned" ? 4 : 0);
  }
  return wide;
};

const compile = (diffusion: Diffusion, { sampler, prediction, spacing, variance, clip, eta, steps }: Case): Plan =>
  sampler === "ddim_inversion" ? compileInversion({ diffusion, prediction, spacing, steps }) : compilePlan({
    diffusion,
    sampler: sampler as PlanOptions["sampler"],
    prediction,
    spacing,
    variance,
    clip: clip ?? Infinity,
    eta,
    steps,
  });

const run = (plan: Plan, variance?: string): Float32Array[] => {
  const x = startNoise();
  const x0 = new Float32Array(LENGTH);
  return plan.rows.map((row, i) => {
    const out = network(x, row.timestep);
    const wide = variance?.startsWith("learned") ? widened(out, row.timestep, variance) : out;
    // diffusers cannot take the first step of an inversion with "sample": its fixture starts at the second.
    const skip = plan.sampler === "ddim_inversion" && plan.prediction === "sample" && i === 0;
    if (!skip) applyRow(row, { x, out: wide, x0, z: needsNoise(row) ? noise(i) : undefined, channels: CHANNELS });
    return x.slice();
  });
};

const distance = (actual: Float32Array, expected: number[]): number => {
  assertEquals(actual.length, expected.length);
  const magnitude = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(actual[i] - value))) / magnitude;
};

// Heun's correction multiplies the float32 rounding of x and x0 by its weight, some 80 where a step divides σ by 160.
const tolerance = (plan: Plan) =>
  plan.sampler === "heun" ? Math.max(1e-6, 2 ** -23 * Math.max(...plan.rows.map((row) => row.b))) : 1e-6;

for (const sampler of ["ddpm", "ddim", "heun", "dpmsolver++", "ddim_inversion"]) {
  Deno.test(`${sampler} walks the trajectories of diffusers' scheduler to 1e-6`, () => {
    const chosen = cases.filter((each) => each.sampler === sampler && !each.stock);
    assertGreater(chosen.length, 17);
    for (const each of chosen) {
      const plan = compile(each.zeroSnr ? zeroSnr : paper, each);
      const { timesteps, middle, final, ...name } = each;
      if (timesteps !== undefined) {
        const asked = plan.rows.map((row) => row.timestep);
        assertEquals(sampler === "ddim_inversion" ? asked.reverse() : asked, timesteps, JSON.stringify(name));
      }
      const steps = run(plan, each.variance);
      assertLess(distance(steps[steps.length >> 1], middle), tolerance(plan), JSON.stringify(name));
      assertLess(distance(steps.at(-1)!, final), tolerance(plan), JSON.stringify(name));
    }
  });
}

Deno.test("every sampler stays within 1e-5 of diffusers as it is, whose tables are float32", () => {
  const chosen = cases.filter((each) => each.stock);
  assertEquals(chosen.length, 4);
  for (const each of chosen) {
    const steps = run(compile(paper, each));
    assertLess(distance(steps[steps.length >> 1], each.middle), 1e-5, each.sampler);
    assertLess(distance(steps.at(-1)!, each.final), 1e-5, each.sampler);
  }
});
