import { assert, assertEquals, assertLess } from "@std/assert";
import { createTimestepSampler } from "../../training/timesteps.ts";

const T = 20;
const make = (sampling: "uniform" | "stratified" | "importance", numbers: Record<string, Float64Array> = {}) =>
  createTimestepSampler({ sampling, timesteps: T, seed: 3, numbers });

Deno.test("createTimestepSampler: uniform timesteps have their mean, and no weights", () => {
  const { timesteps, weights } = make("uniform").draw(0, 4000);
  const mean = timesteps.reduce((sum, t) => sum + t, 0) / timesteps.length;
  // Standard error of the mean of 4000 uniform draws: 20 / √12 / √4000 = 0.09.
  assertLess(Math.abs(mean - 9.5), 5 * 0.09);
  assertEquals(weights.every((weight) => weight === 1), true);
});

Deno.test("createTimestepSampler: stratified over a batch as large as T, every timestep comes up once", () => {
  for (const step of [0, 1, 2]) {
    assertEquals(
      make("stratified").draw(step, T).timesteps,
      Int32Array.from({ length: T }, (_, i) => i),
    );
  }
  const { timesteps } = make("stratified").draw(0, 4);
  timesteps.forEach((t, i) => assert(Math.floor(t / 5) === i, `${timesteps}`));
});

Deno.test("createTimestepSampler: with importance, t of a large loss comes up more often, at a weight that makes up for it", () => {
  const numbers = {};
  const sampler = make("importance", numbers);
  assertEquals(sampler.draw(0, 5), make("uniform").draw(0, 5));
  const all = Int32Array.from({ length: T }, (_, t) => t);
  for (let i = 0; i < 10; i++) sampler.record(all, all.map((t) => t === 7 ? 19 : 1));
  const { timesteps, weights } = sampler.draw(11, 4000);
  // √E[L²] is 19 of a sum of 38.
  assertLess(Math.abs(timesteps.filter((t) => t === 7).length - 2000), 160);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  assertLess(Math.abs(total / 4000 - 1), 0.1);
  // What it goes by is in the state's numbers alone.
  assertEquals(make("importance", structuredClone(numbers)).draw(11, 4000), { timesteps, weights });
});

Deno.test("createTimestepSampler: a step's draw depends on nothing but the seed and the step", () => {
  const sampler = make("uniform");
  const expected = sampler.draw(5, 8);
  sampler.draw(6, 8);
  assertEquals(sampler.draw(5, 8), expected);
});
