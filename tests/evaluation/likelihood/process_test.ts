import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { EvaluationError } from "../../../evaluation/error.ts";
import { evaluatedProcess } from "../../../evaluation/likelihood/bound.ts";
import { diffusionOf, parseSchedulerConfig } from "../../../model/scheduler_config.ts";

Deno.test("evaluatedProcess reads variance, clipping and prediction off the scheduler, as diffusers names them", () => {
  const process = evaluatedProcess(parseSchedulerConfig({
    variance_type: "fixed_large_log",
    clip_sample: true,
    clip_sample_range: 1.5,
    prediction_type: "v_prediction",
  }));
  assertEquals([process.variance, process.clip, process.prediction], ["fixed_large", 1.5, "v_prediction"]);
  assertEquals(process.timesteps.length, 1000);
  assertEquals(evaluatedProcess(parseSchedulerConfig({ clip_sample: false })).clip, Infinity);
  assertEquals(evaluatedProcess(parseSchedulerConfig({}), { variance: "fixed_large" }).variance, "fixed_large");
});

Deno.test("evaluatedProcess keeps the timesteps asked for, ascending, with the signal that is left at each", () => {
  const config = parseSchedulerConfig({});
  const { diffusion, timesteps } = evaluatedProcess(config, { respacing: "2,3" });
  assertEquals([...timesteps], [0, 499, 500, 750, 999]);
  const whole = diffusionOf(config);
  timesteps.forEach((t, i) => assertAlmostEquals(diffusion.alphasCumprod[i], whole.alphasCumprod[t], 1e-12));
});

Deno.test("evaluatedProcess refuses a respacing that cannot be read, and ε where the last timestep holds no signal", () => {
  const config = parseSchedulerConfig({});
  for (const respacing of ["x", "1001", "0", "-3", "ddim300"]) {
    assertThrows(
      () => evaluatedProcess(config, { respacing }),
      EvaluationError,
      "respacing must be numbers of the model's 1000",
    );
  }
  assertThrows(
    () => evaluatedProcess(parseSchedulerConfig({ rescale_betas_zero_snr: true })),
    EvaluationError,
    "model must predict x_0 or v",
  );
  evaluatedProcess(parseSchedulerConfig({ rescale_betas_zero_snr: true, prediction_type: "v_prediction" }));
});
