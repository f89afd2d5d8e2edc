import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { createLossHistory, drawTimesteps, recordLosses, timestepProbabilities, uniform } from "../../core/mod.ts";
import golden from "../fixtures/core/resampler.json" with { type: "json" };

Deno.test("timestepProbabilities: after the same losses, improved-diffusion's weights to 1e-15", () => {
  const history = createLossHistory(golden.timesteps);
  for (const { ts, losses, weights } of golden.steps) {
    recordLosses(history, ts, losses);
    timestepProbabilities(history).forEach((p, t) => assertAlmostEquals(p, weights[t], 1e-15));
  }
  assertEquals([...history.losses], golden.history.flat());
});

Deno.test("timestepProbabilities: uniform until every timestep has ten losses, and where all losses are 0", () => {
  const history = createLossHistory(3);
  for (let i = 0; i < 10; i++) recordLosses(history, [0, 2], [5, 1]);
  for (let i = 0; i < 9; i++) recordLosses(history, [1], [9]);
  assertEquals([...timestepProbabilities(history)], [1 / 3, 1 / 3, 1 / 3]);
  recordLosses(history, [1], [9]);
  assertLess(timestepProbabilities(history)[2], 0.1);
  for (let i = 0; i < 10; i++) recordLosses(history, [0, 1, 2], [0, 0, 0]);
  assertEquals([...timestepProbabilities(history)], [1 / 3, 1 / 3, 1 / 3]);
});

Deno.test("drawTimesteps: each timestep comes up by its probability, one of probability 0 never", () => {
  const probabilities = Float64Array.of(0.5, 0, 0.3, 0.2), n = 20_000;
  const draws = Float64Array.from({ length: n }, (_, i) => uniform(1, i, 0, 0, 9));
  const counts = [0, 0, 0, 0];
  for (const t of drawTimesteps(probabilities, draws)) counts[t]++;
  // Standard deviation: at most √(20000 / 4) = 71.
  probabilities.forEach((p, t) => assertLess(Math.abs(counts[t] - p * n), 4 * 71));
  assertEquals(counts[1], 0);
  assertEquals([...drawTimesteps(probabilities, [0, 0.5, 0.7999, 1 - 2 ** -53])], [0, 2, 2, 3]);
});
