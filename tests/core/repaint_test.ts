import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { createDiffusion } from "../../core/diffusion.ts";
import { fillNormal } from "../../core/noise.ts";
import { applyRow, type Plan } from "../../core/plan.ts";
import { compileRepaint, type Jumps, repaint, type RepaintOptions } from "../../core/repaint.ts";
import { sample } from "../../core/sample.ts";
import { compilePlan } from "../../core/samplers.ts";

// tests/fixtures/core/repaint.py made the values and holds the same noise, network, image and mask.
interface Case extends Jumps {
  eta: number;
  timesteps: number[];
  kinds: string;
  middle: number[];
  final: number[];
}
const cases: Case[] = JSON.parse(await Deno.readTextFile(new URL("../fixtures/core/repaint.json", import.meta.url)));

const diffusion = createDiffusion(Array.from({ length: 20 }, (_, t) => 0.001 + (0.2 - 0.001) * t / 19));
const fill = (entry: (i: number) => number) => Float32Array.from({ length: 8 }, (_, i) => entry(i));
const network = (x: Float32Array, t: number) =>
  x.map((v, i) => 0.5 * Math.tanh(0.7 * v) + 0.5 * Math.sin(0.01 * t + i));
const image = fill((i) => Math.sin(1.3 * i));
const mask = Float32Array.of(1, 0, 0.5, 0);

const walk = (
  plan: Plan,
  jumps: Jumps,
  start: Float32Array,
  noise: (operation: number) => Float32Array,
): Float32Array[] => {
  const x = start.slice();
  return compileRepaint(plan, diffusion, jumps).map(({ kind, index, scale, sigma }, operation) => {
    const z = noise(operation);
    if (kind === "renoise") x.set(x.map((v, i) => scale * v + sigma * z[i]));
    else {
      const row = plan.rows[index];
      applyRow(row, { x, out: network(x, row.timestep), x0: new Float32Array(8), z });
      x.set(x.map((v, i) => mask[i >> 1] * (scale * image[i] + sigma * z[i]) + (1 - mask[i >> 1]) * v));
    }
    return x.slice();
  });
};

Deno.test("compileRepaint goes down and back up as diffusers' RePaintScheduler does", () => {
  for (const { eta, timesteps, kinds, ...jumps } of cases) {
    const plan = compilePlan({ diffusion, sampler: "ddim", eta, clip: Infinity });
    const operations = compileRepaint(plan, diffusion, jumps);
    assertEquals(operations.map(({ kind }) => kind === "row" ? "d" : "u").join(""), kinds);
    // diffusers lists an undo by the timestep that follows it.
    const listed = operations.map(({ kind, index }) => plan.rows[index].timestep + (kind === "row" ? 0 : 1));
    assertEquals(listed, timesteps);
  }
});

Deno.test("RePaint's operations give diffusers' values to 1e-6", () => {
  for (const { eta, middle, final, ...jumps } of cases) {
    const plan = compilePlan({ diffusion, sampler: "ddim", eta, clip: Infinity });
    const start = fill((i) => 1.4 * Math.cos(2.1 * i + 0.3));
    const noise = (operation: number) => fill((i) => 1.5 * Math.sin(12.9898 * (operation + 1) + 78.233 * (i + 1)));
    const steps = walk(plan, jumps, start, noise);
    for (const [actual, expected] of [[steps[steps.length >> 1], middle], [steps.at(-1)!, final]] as const) {
      const magnitude = Math.max(1, ...expected.map(Math.abs));
      expected.forEach((value, i) => assertLess(Math.abs(actual[i] - value) / magnitude, 1e-6, `eta ${eta}`));
    }
  }
});

const evaluate = (x: Float32Array, timesteps: Int32Array) => {
  const out = new Float32Array(x.length);
  for (let k = 0; k < timesteps.length; k++) out.set(network(x.slice(8 * k, 8 * k + 8), timesteps[k]), 8 * k);
  return out;
};
const ddpm = compilePlan({ diffusion });
const options: RepaintOptions = { plan: ddpm, diffusion, shape: [1, 2, 2, 2], evaluate, image, mask };

Deno.test("repaint runs the operations with the noise of steps 0, 1, 2 …, an image independent of its batch", async () => {
  const jumps = { jumpLength: 4, jumpSamples: 3 };
  const noise = (step: number) => fillNormal(new Float32Array(8), { seed: 5, sample: 1, step });
  const expected = walk(ddpm, jumps, noise(0), (operation) => noise(operation + 1)).at(-1)!;
  const two = await repaint({ ...options, ...jumps, shape: [2, 2, 2, 2], seed: 5 });
  const one = await repaint({ ...options, ...jumps, seed: 5, sample: 1 });
  assertEquals(one, two.slice(8));
  one.forEach((value, i) => assertLess(Math.abs(value - expected[i]), 1e-6));
});

Deno.test("repaint keeps the known pixels exactly and makes the others", async () => {
  const kept = await repaint({ ...options, mask: Float32Array.of(1, 0, 1, 0), seed: 1 });
  for (const i of [0, 1, 4, 5]) assertEquals(kept[i], image[i]);
  for (const i of [2, 3, 6, 7]) assert(kept[i] !== image[i]);
});

Deno.test("repaint without a known pixel and without jumps is plain sampling", async () => {
  const plain = await sample({ plan: ddpm, shape: [2, 2, 2, 2], evaluate, seed: 9 });
  const painted = await repaint({
    ...options,
    shape: [2, 2, 2, 2],
    mask: new Float32Array(4),
    jumpSamples: 1,
    seed: 9,
  });
  assertEquals(painted, plain);
});

Deno.test("repaint reports each operation and stops at the one where its signal aborts", async () => {
  const controller = new AbortController();
  let seen = 0;
  const onStep = ({ index, operations }: { index: number; operations: number }) => {
    assertEquals(index, seen++);
    assertEquals(operations, compileRepaint(ddpm, diffusion).length);
    if (index === 6) controller.abort(new Error("enough"));
  };
  await assertRejects(() => repaint({ ...options, onStep, signal: controller.signal }), Error, "enough");
  assertEquals(seen, 7);
});

Deno.test("repaint refuses bad input and names the argument", async () => {
  const heun = compilePlan({ diffusion, sampler: "heun" });
  assertThrows(
    () => compileRepaint(heun, diffusion),
    RangeError,
    "plan must be of the sampler ddpm or ddim, received heun",
  );
  assertThrows(() => compileRepaint(ddpm, diffusion, { jumpLength: 0 }), RangeError, "jumpLength");
  assertThrows(() => compileRepaint(ddpm, diffusion, { jumpSamples: NaN }), RangeError, "jumpSamples");
  await assertRejects(
    () => repaint({ ...options, mask: new Float32Array(8) }),
    RangeError,
    "mask must have 4 elements",
  );
  await assertRejects(
    () => repaint({ ...options, mask: Float32Array.of(0, 2, 0, 0) }),
    RangeError,
    "mask[1] must be in",
  );
  await assertRejects(() => repaint({ ...options, mask: Float32Array.of(0, 0, NaN, 0) }), RangeError, "received NaN");
  await assertRejects(
    () => repaint({ ...options, image: new Float32Array(4) }),
    RangeError,
    "image must have 8 elements",
  );
  await assertRejects(() => repaint({ ...options, latents: new Float32Array(4) }), RangeError, "latents");
  await assertRejects(() => repaint({ ...options, shape: [0, 2, 2, 2] }), RangeError, "shape[0]");
});
