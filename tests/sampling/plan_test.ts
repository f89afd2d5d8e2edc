import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { applyRow } from "../../core/plan.ts";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { diffusionOf, parseSchedulerConfig, type SchedulerConfig } from "../../model/scheduler_config.ts";
import { planOf } from "../../sampling/compile.ts";
import { ScheduleError } from "../../sampling/errors.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";

interface Golden {
  /** By model: x_T, then the noise of each step. */
  noise: Record<string, number[][]>;
  cases: {
    model: string;
    sampler: "ddpm" | "ddim";
    steps: number;
    eta: number;
    /** What was set. */
    set: Record<string, unknown>;
    /** The whole, as diffusers saved it. */
    config: Record<string, unknown>;
    image: number[];
  }[];
}

const { noise, cases }: Golden = JSON.parse(
  await Deno.readTextFile(fromFileUrl(new URL("../fixtures/serving/schedulers.json", import.meta.url))),
);

const asked = (options: Partial<ResolvedSampling>): ResolvedSampling => ({
  n: 1,
  seed: 0,
  labels: null,
  guidance: 1,
  sampler: "ddpm",
  steps: 5,
  ...options,
});

const compile = (sampling: ResolvedSampling, scheduler: SchedulerConfig) =>
  planOf(sampling, { scheduler, diffusion: diffusionOf(scheduler) });

for (const { model, sampler, steps, eta, set, config, image } of cases) {
  const options = sampler === "ddim" ? { sampler, steps, eta } : { sampler, steps };
  const name = `${sampler} in ${steps} steps${eta ? ` with η ${eta}` : ""}, ${model} network, ${JSON.stringify(set)}`;
  Deno.test(`a model samples by its scheduler config as diffusers does: ${name}`, async () => {
    const folder = fromFileUrl(new URL(`../fixtures/model/${model}`, import.meta.url));
    const denoiser = createDenoiser(await openEngine("wasm"), await loadPipeline(folder));
    const plan = compile(asked(options), parseSchedulerConfig(config));
    const [x, ...zs] = noise[model].map((values) => Float32Array.from(values));
    const x0 = new Float32Array(x.length);
    assertEquals(plan.rows.length, steps);
    for (const [i, row] of plan.rows.entries()) {
      const out = denoiser.evaluate(x, [row.timestep], null);
      applyRow(row, { x, out, x0, z: zs[i], channels: denoiser.channels });
    }
    denoiser.dispose();
    const scale = Math.max(1, ...image.map(Math.abs));
    const worst = Math.max(...image.map((value, i) => Math.abs(value - x[i]))) / scale;
    assert(worst < 2e-5, `differs by ${worst} of ${scale}`);
  });
}

Deno.test("planOf reads fixed_large_log as β: diffusers takes the root of its logarithm, which is no number", () => {
  const rows = (variance_type: string) => compile(asked({}), parseSchedulerConfig({ variance_type })).rows;
  assertEquals(rows("fixed_large_log"), rows("fixed_large"));
  assertEquals(rows("fixed_small_log"), rows("fixed_small"));
});

Deno.test("planOf prefers what the request says to what the config says", () => {
  const config = parseSchedulerConfig({ timestep_spacing: "trailing", variance_type: "fixed_large" });
  const rows = (options: Partial<ResolvedSampling>) => compile(asked(options), config).rows;
  assertEquals(rows({}).map(({ timestep }) => timestep), [999, 799, 599, 399, 199]);
  assertEquals(rows({ spacing: "leading" }).map(({ timestep }) => timestep), [800, 600, 400, 200, 0]);
  assert(rows({ variance: "fixed_small" })[3].c < rows({})[3].c);
});

Deno.test("planOf takes all T timesteps, as figures do by default, whatever the config's offset of fewer", () => {
  const timesteps = (steps_offset: number, steps: number) =>
    compile(asked({ steps }), parseSchedulerConfig({ steps_offset })).rows.map(({ timestep }) => timestep);
  assertEquals(timesteps(1, 1000), timesteps(0, 1000));
  assertEquals(timesteps(1, 5), [801, 601, 401, 201, 1]);
});

Deno.test("planOf refuses a request that the schedule does not allow, and says why", () => {
  const offset = parseSchedulerConfig({ steps_offset: 2 });
  assertThrows(() => compile(asked({ steps: 999 }), offset), ScheduleError, "offset must be");
  const zeroSnr = parseSchedulerConfig({ rescale_betas_zero_snr: true, timestep_spacing: "trailing" });
  assertThrows(() => compile(asked({}), zeroSnr), ScheduleError, "this model's noise schedule does not allow");
});
