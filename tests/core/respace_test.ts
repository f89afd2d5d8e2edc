import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { createDiffusion } from "../../core/diffusion.ts";
import { betaSchedule, rescaleZeroTerminalSnr } from "../../core/schedules.ts";
import { respace, sectionTimesteps } from "../../core/timesteps.ts";

const paper = createDiffusion(betaSchedule("linear", 1000));

Deno.test("respace keeps what is left of the signal at each timestep that it keeps", () => {
  const timesteps = sectionTimesteps(1000, [10, 5, 20]);
  const fewer = respace(paper, timesteps);
  assertEquals(fewer.timesteps, 35);
  timesteps.toReversed().forEach((t, i) => assertAlmostEquals(fewer.alphasCumprod[i], paper.alphasCumprod[t], 1e-12));
});

Deno.test("respace to all timesteps gives the same tables, bit by bit", () => {
  assertEquals(respace(paper, sectionTimesteps(1000, [1000])), paper);
});

Deno.test("respace keeps a last timestep without signal", () => {
  const diffusion = createDiffusion(rescaleZeroTerminalSnr(betaSchedule("linear", 100)));
  assertEquals(respace(diffusion, [99, 40, 3]).betas[2], 1);
});

Deno.test("respace refuses timesteps that do not descend, or that there are not", () => {
  assertThrows(() => respace(paper, [3, 3]), RangeError, "strictly descending");
  assertThrows(() => respace(paper, [1000]), RangeError, "in [0, 999]");
});
