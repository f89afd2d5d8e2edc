import { assertAlmostEquals, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { createDiffusion, type Diffusion } from "../../core/diffusion.ts";
import { fillNormal } from "../../core/noise.ts";
import { type Plan, type SamplerName, SAMPLERS } from "../../core/plan.ts";
import { type Evaluate, sample } from "../../core/sample.ts";
import { compileInversion, compilePlan, type PlanOptions } from "../../core/samplers.ts";
import { betaSchedule, rescaleZeroTerminalSnr, SCHEDULES } from "../../core/schedules.ts";
import { SPACINGS } from "../../core/timesteps.ts";

const betas = Float64Array.from({ length: 1000 }, (_, t) => 0.0001 + (0.02 - 0.0001) * t / 999);
const paper = createDiffusion(betas);
const zeroSnr = createDiffusion(rescaleZeroTerminalSnr(betas));
const shape = [1, 4, 4, 1] as const;
const LENGTH = 16;

const maxDistance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i])), 0);

const image = Float32Array.from({ length: LENGTH }, (_, i) => 0.9 * Math.sin(1.7 * i));
const normals = (step: number) => fillNormal(new Float32Array(LENGTH), { seed: 42, sample: 0, step });

/** A network that knows x_0, and tells the ε or v of any x_t. */
const oracle = (diffusion: Diffusion, prediction: "epsilon" | "sample" | "v_prediction"): Evaluate => (x, [t]) => {
  const alpha = diffusion.sqrtAlphasCumprod[t];
  const sigma = diffusion.sqrtOneMinusAlphasCumprod[t];
  return x.map((v, i) => {
    const epsilon = (v - alpha * image[i]) / sigma;
    return { epsilon, sample: image[i], v_prediction: alpha * epsilon - sigma * image[i] }[prediction];
  });
};

for (const sampler of SAMPLERS) {
  Deno.test(`${sampler} given the true ε, x_0 or v recovers x_0`, async () => {
    for (const prediction of ["epsilon", "sample", "v_prediction"] as const) {
      for (const steps of [1, 2, 7, 50]) {
        for (const clip of [1, Infinity]) {
          const plan = compilePlan({ diffusion: paper, sampler, steps, prediction, clip, eta: 0.5 });
          const found = await sample({ plan, shape, evaluate: oracle(paper, prediction), seed: 42 });
          assertLess(
            maxDistance(found, image),
            plan.rows.at(-1)!.timestep > 900 ? 1e-4 : 5e-6,
            `${prediction} ${steps}`,
          );
        }
      }
    }
  });

  Deno.test(`${sampler} starts from ᾱ = 0 with x_0 or v, and refuses ε there`, async () => {
    for (const steps of [1, 2, 3, 20]) {
      const options: PlanOptions = { diffusion: zeroSnr, sampler, steps, spacing: "trailing", eta: 1 };
      for (const prediction of ["sample", "v_prediction"] as const) {
        const plan = compilePlan({ ...options, prediction });
        assertEquals(plan.rows[0].timestep, 999);
        const found = await sample({ plan, shape, evaluate: oracle(zeroSnr, prediction), seed: 1 });
        assertLess(maxDistance(found, image), 1e-6, prediction);
      }
      assertThrows(() => compilePlan(options), RangeError, "prediction must be sample or v_prediction");
    }
    // A list that stays clear of ᾱ = 0 is fine.
    compilePlan({ diffusion: zeroSnr, sampler, timesteps: [998, 500, 0] });
  });
}

Deno.test("deterministic samplers stay on the line of one x_0 and one ε", async () => {
  const epsilon = normals(7);
  const latents = epsilon.map((e, i) =>
    paper.sqrtAlphasCumprod[499] * image[i] + paper.sqrtOneMinusAlphasCumprod[499] * e
  );
  for (const sampler of ["ddim", "heun", "dpmsolver++"] as const) {
    for (const steps of [1, 5, 100]) {
      const timesteps = Array.from({ length: steps }, (_, i) => 499 - i * 500 / steps);
      const plan = compilePlan({ diffusion: paper, sampler, timesteps, clip: Infinity });
      const found = await sample({ plan, shape, evaluate: () => epsilon, latents });
      assertLess(maxDistance(found, image), 2e-6, `${sampler} ${steps}`);
    }
  }
});

Deno.test("ddpm with steps = T is Algorithm 2 of the paper", async () => {
  const T = 200;
  const diffusion = createDiffusion(Array.from({ length: T }, (_, t) => 0.0005 + (0.1 - 0.0005) * t / (T - 1)));
  const evaluate: Evaluate = (x, [t]) => x.map((v, i) => Math.tanh(0.6 * v) + 0.3 * Math.sin(0.05 * t + i));
  for (const variance of ["fixed_small", "fixed_large"] as const) {
    const x = Float64Array.from(normals(0));
    for (let t = T; t >= 1; t--) {
      const beta = diffusion.betas[t - 1];
      const alpha = 1 - beta;
      const cumprod = diffusion.betas.subarray(0, t).reduce((product, b) => product * (1 - b), 1);
      const before = cumprod / alpha;
      const variances = { fixed_small: (1 - before) / (1 - cumprod) * beta, fixed_large: beta };
      const epsilon = await evaluate(Float32Array.from(x), Int32Array.of(t - 1));
      const z = t > 1 ? normals(T - t + 1) : new Float32Array(LENGTH);
      for (let i = 0; i < LENGTH; i++) {
        const mean = 1 / Math.sqrt(alpha) * (x[i] - (1 - alpha) / Math.sqrt(1 - cumprod) * epsilon[i]);
        x[i] = mean + Math.sqrt(variances[variance]) * z[i];
      }
    }
    const plan = compilePlan({ diffusion, variance, clip: Infinity });
    assertEquals(plan.rows.length, T);
    const found = await sample({ plan, shape, evaluate, seed: 42 });
    assertLess(maxDistance(found, x) / Math.max(...x.map(Math.abs)), 1e-6, variance);
  }
});

Deno.test("ddim with η = 1 has the rows of ddpm with β̃", () => {
  for (const steps of [1, 10, 333, 1000]) {
    const ddim = compilePlan({ diffusion: paper, sampler: "ddim", steps, eta: 1 });
    const ddpm = compilePlan({ diffusion: paper, sampler: "ddpm", steps });
    ddim.rows.forEach((row, i) => {
      for (const key of ["timestep", "p", "q", "a", "b", "h", "c"] as const) {
        assertAlmostEquals(row[key], ddpm.rows[i][key], 1e-10);
      }
    });
  }
});

/** The exact ε where the images are Gaussian, of mean 0.3 and standard deviation 0.4. */
const gaussian = (diffusion: Diffusion): Evaluate => (x, [t]) => {
  const alphaCumprod = diffusion.alphasCumprod[t];
  const factor = Math.sqrt(1 - alphaCumprod) / (alphaCumprod * 0.16 + 1 - alphaCumprod);
  return x.map((v) => factor * (v - Math.sqrt(alphaCumprod) * 0.3));
};

Deno.test("inversion followed by ddim returns to the image, with an error that shrinks with the steps", async () => {
  const roundTrip = async (steps: number) => {
    const options = { diffusion: paper, steps, spacing: "trailing" } as const;
    const inversion = compileInversion(options);
    const latents = await sample({ plan: inversion, shape, evaluate: gaussian(paper), latents: image });
    const plan = compilePlan({ ...options, sampler: "ddim", clip: Infinity });
    return maxDistance(await sample({ plan, shape, evaluate: gaussian(paper), latents }), image);
  };
  const [few, more, many] = [await roundTrip(20), await roundTrip(100), await roundTrip(500)];
  assertLess(more, few / 3);
  assertLess(many, more / 3);
  assertLess(many, 0.015);
});

Deno.test("inversion reaches ᾱ = 0, where only the network's ε is left of x", async () => {
  const epsilon = normals(7);
  const plan = compileInversion({ diffusion: zeroSnr, steps: 10, spacing: "trailing" });
  assertEquals(plan.rows.at(-1)!.timestep, 999);
  const found = await sample({ plan, shape, evaluate: () => epsilon, latents: image });
  assertLess(maxDistance(found, epsilon), 1e-6);
});

Deno.test("heun and dpmsolver++ converge to second order, ddim to first", async () => {
  // λ runs evenly from 3 down to −3 over 1281 levels; the solution of the ODE is known at every one.
  const alphasCumprod = Array.from({ length: 1281 }, (_, t) => 1 / (1 + Math.exp(-2 * (3 - 6 * t / 1280))));
  const diffusion = createDiffusion(alphasCumprod.map((value, t) => 1 - value / (alphasCumprod[t - 1] ?? 1)));
  const spread = (t: number) => Math.sqrt(alphasCumprod[t] * 0.16 + 1 - alphasCumprod[t]);
  const latents = normals(0);
  const exact = latents.map((v) =>
    Math.sqrt(alphasCumprod[0]) * 0.3 + (v - Math.sqrt(alphasCumprod[1280]) * 0.3) * spread(0) / spread(1280)
  );
  const error = async (sampler: SamplerName, steps: number) => {
    const timesteps = Array.from({ length: steps + 1 }, (_, i) => 1280 - 1280 / steps * i);
    const plan = compilePlan({ diffusion, sampler, timesteps, clip: Infinity });
    // The last row leads on from level 0 to x_0.
    const untilLevel0: Plan = { ...plan, rows: plan.rows.slice(0, -1) };
    return maxDistance(await sample({ plan: untilLevel0, shape, evaluate: gaussian(diffusion), latents }), exact);
  };
  for (const [sampler, order] of [["ddim", 1], ["heun", 2], ["dpmsolver++", 2]] as const) {
    const errors = [await error(sampler, 20), await error(sampler, 40), await error(sampler, 80)];
    for (let i = 1; i < errors.length; i++) {
      const measured = Math.log2(errors[i - 1] / errors[i]);
      assertGreater(measured, order - 0.3, `${sampler}: ${errors}`);
      assertLess(measured, order + 0.4, `${sampler}: ${errors}`);
    }
  }
});

Deno.test("heun has two rows a step but for the last, the other samplers one", () => {
  for (const steps of [1, 4, 10]) {
    assertEquals(compilePlan({ diffusion: paper, sampler: "heun", steps }).rows.length, 2 * steps - 1);
    for (const sampler of ["ddpm", "ddim", "dpmsolver++"] as const) {
      assertEquals(compilePlan({ diffusion: paper, sampler, steps }).rows.length, steps);
    }
  }
});

const cosine = createDiffusion(betaSchedule("cosine", 1000));

Deno.test("heun leaves the correction of a step out where σ falls from thousands, and there alone", () => {
  const asked = (steps: number, diffusion: Diffusion, spacing: "leading" | "linspace") =>
    compilePlan({ diffusion, sampler: "heun", steps, spacing }).rows.map(({ timestep }) => timestep);
  // σ is 20291 at 999, 637 at 998, and about 2000 / (π (1000 − t)) below.
  assertEquals(asked(4, cosine, "linspace"), [999, 666, 333, 333, 0, 0]);
  assertEquals(asked(10, cosine, "linspace").slice(0, 4), [999, 888, 777, 777]);
  for (const steps of [25, 50, 100]) assertEquals(asked(steps, cosine, "linspace").length, 2 * steps - 2);
  for (const steps of [200, 1000]) assertEquals(asked(steps, cosine, "linspace").length, 2 * steps - 1);
  for (const steps of [4, 10, 25, 100]) {
    assertEquals(asked(steps, cosine, "leading").length, 2 * steps - 1);
    assertEquals(asked(steps, paper, "linspace").length, 2 * steps - 1);
  }
});

Deno.test("no row of heun weighs v by more than 2, whatever the schedule, the spacing and the steps", () => {
  for (const schedule of SCHEDULES) {
    const diffusion = createDiffusion(betaSchedule(schedule, 1000));
    for (const spacing of SPACINGS) {
      for (const steps of [1, 2, 3, 4, 7, 10, 25, 61, 100, 333, 1000]) {
        const { rows } = compilePlan({ diffusion, sampler: "heun", steps, spacing, prediction: "v_prediction" });
        const worst = Math.max(...rows.map(({ b, q }) => Math.abs(b * q)));
        assertLess(worst, 2 + 1e-9, `${schedule} ${spacing} ${steps}`);
      }
    }
  }
});

Deno.test("heun on the cosine schedule reaches the known x_0 of a Gaussian at few steps, nearer than ddim", async () => {
  const v: Evaluate = (x, [t]) => {
    const alpha = cosine.sqrtAlphasCumprod[t], sigma = cosine.sqrtOneMinusAlphasCumprod[t];
    return x.map((value) => {
      const start = 0.3 + alpha * 0.16 * (value - alpha * 0.3) / (0.16 * alpha ** 2 + sigma ** 2);
      return alpha * (value - alpha * start) / sigma - sigma * start;
    });
  };
  const latents = normals(0);
  const alpha = cosine.sqrtAlphasCumprod[999];
  const exact = latents.map((z) => 0.3 + 0.4 * (z - alpha * 0.3) / Math.sqrt(0.16 * alpha ** 2 + 1 - alpha ** 2));
  const error = async (sampler: SamplerName, steps: number) => {
    const options = { diffusion: cosine, sampler, steps, spacing: "linspace", prediction: "v_prediction" } as const;
    const plan = compilePlan({ ...options, clip: Infinity });
    return maxDistance(await sample({ plan, shape, evaluate: v, latents }), exact);
  };
  for (const [steps, bound] of [[10, 0.03], [25, 0.005], [50, 0.002], [100, 0.0005]] as const) {
    const found = await error("heun", steps);
    assertLess(found, bound, `${steps} steps`);
    assertLess(found, await error("ddim", steps) / 4, `${steps} steps`);
  }
});

Deno.test("the last row of every plan adds no noise, whatever the variance and spacing", () => {
  for (const variance of ["fixed_small", "fixed_large", "learned", "learned_range"] as const) {
    for (const spacing of ["leading", "linspace", "trailing"] as const) {
      const row = compilePlan({ diffusion: paper, steps: 10, variance, spacing }).rows.at(-1)!;
      assertEquals([row.a, row.c, row.variance], [0, 0, undefined]);
      assertAlmostEquals(row.b, 1, 1e-12);
    }
  }
});

Deno.test("compilePlan refuses bad input and names the option", () => {
  const compile = (options: Record<string, unknown>) => () =>
    compilePlan({ diffusion: paper, ...options } as PlanOptions);
  assertThrows(compile({ sampler: "euler" }), RangeError, "sampler must be one of ddpm, ddim, heun, dpmsolver++");
  assertThrows(compile({ sampler: 3 }), TypeError, "sampler must be a string, received 3");
  assertThrows(compile({ steps: 1001 }), RangeError, "steps must be an integer in [1, 1000], received 1001");
  assertThrows(compile({ steps: NaN }), RangeError, "steps");
  assertThrows(compile({ steps: "10" }), TypeError, 'steps must be a number, received "10"');
  assertThrows(compile({ spacing: "odd" }), RangeError, "spacing");
  assertThrows(compile({ prediction: "noise" }), RangeError, "prediction");
  assertThrows(compile({ variance: "none" }), RangeError, "variance");
  assertThrows(compile({ sampler: "ddim", eta: 1.1 }), RangeError, "eta must be in [0, 1], received 1.1");
  assertThrows(compile({ sampler: "ddim", eta: NaN }), RangeError, "eta");
  assertThrows(compile({ clip: 0 }), RangeError, "clip");
  assertThrows(compile({ clip: NaN }), RangeError, "clip");
  assertThrows(compile({ timesteps: [1, 2] }), RangeError, "strictly descending");
  assertThrows(compile({ timesteps: [1000, 2] }), RangeError, "timesteps[0]");
  assertThrows(compile({ timesteps: [9, 2], steps: 3 }), RangeError, "steps must be 2");
  assertThrows(compile({ diffusion: createDiffusion([1e-20, 0.1]) }), RangeError, "betas");
  assertThrows(() => compileInversion({ diffusion: paper, steps: 0 }), RangeError, "steps");
  const unknown = { diffusion: paper, prediction: "noise" as "epsilon" };
  assertThrows(() => compileInversion(unknown), RangeError, "prediction");
});
