import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { betaSchedule, SCHEDULES } from "../../core/mod.ts";
import { parsePythonJson } from "../../model/config_json.ts";
import { ModelError } from "../../model/error.ts";
import {
  diffusionOf,
  parseSchedulerConfig,
  SCHEDULER_CLASSES,
  schedulerConfigOf,
} from "../../model/scheduler_config.ts";

interface Golden {
  config: Record<string, unknown>;
  length: number;
  at: number[];
  betas: number[];
  alphasCumprod: number[];
}

const { schedulers }: { schedulers: Golden[] } = JSON.parse(
  await Deno.readTextFile(fromFileUrl(new URL("../fixtures/model/timesteps.json", import.meta.url))),
);

for (const { config, length, at, betas, alphasCumprod } of schedulers) {
  Deno.test(`diffusionOf has the betas of diffusers' DDPMScheduler: ${JSON.stringify(config)}`, () => {
    const diffusion = diffusionOf(parseSchedulerConfig(config));
    assertEquals(diffusion.timesteps, length);
    // diffusers computes its tables in float32: 1000 factors of ᾱ round 1000 times, and rescaling takes 1 − a ratio.
    const [relative, absolute] = config.rescale_betas_zero_snr ? [2e-5, 1e-6] : [1e-6, 2e-7];
    for (const [i, t] of at.entries()) {
      assertAlmostEquals(diffusion.betas[t], betas[i], relative * betas[i] + absolute, `β at ${t}`);
      assertAlmostEquals(diffusion.alphasCumprod[t], alphasCumprod[i], 2e-5 * alphasCumprod[i] + 1e-8, `ᾱ at ${t}`);
    }
  });
}

const saved: { at: number[]; cases: { text: string; set: Record<string, unknown>; alphasCumprod: number[] }[] } = JSON
  .parse(await Deno.readTextFile(fromFileUrl(new URL("../fixtures/model/schedulers.json", import.meta.url))));

for (const { text, set, alphasCumprod } of saved.cases) {
  const json = parsePythonJson(text) as Record<string, unknown>;
  const name = json._class_name as typeof SCHEDULER_CLASSES[number];
  Deno.test(`parseSchedulerConfig reads what diffusers' ${name} saves, ${JSON.stringify(set)}: ᾱ, prediction, clipping, spacing`, () => {
    const config = parseSchedulerConfig(json);
    const diffusion = diffusionOf(config);
    for (const [i, t] of saved.at.entries()) {
      assertAlmostEquals(diffusion.alphasCumprod[t], alphasCumprod[i], 2e-5 * alphasCumprod[i] + 1e-8, `ᾱ at ${t}`);
    }
    assertEquals(config.prediction_type, set.prediction_type ?? "epsilon");
    assertEquals(config.clip_sample, json.clip_sample ?? false);
    assertEquals(config.timestep_spacing, json.timestep_spacing ?? "linspace");
    assertEquals(config.variance_type, json.variance_type ?? "fixed_small");
    // What it saves are its defaults, but for a range that came from another's config: the class alone says the same.
    const { clip_sample_range } = config;
    if (Object.keys(set).length === 0) {
      assertEquals(parseSchedulerConfig({ _class_name: name, clip_sample_range }), config);
    }
  });
}

Deno.test("parseSchedulerConfig was compared with every class that it reads", () => {
  const compared = new Set(
    saved.cases.map(({ text }) => (parsePythonJson(text) as { _class_name: string })._class_name),
  );
  assertEquals([...compared], [...SCHEDULER_CLASSES]);
});

Deno.test("parsePythonJson reads Infinity and NaN as null, outside strings alone, and refuses what is no JSON", () => {
  assertEquals(parsePythonJson('{"a": -Infinity, "b": [Infinity, NaN], "c": "-Infinity \\" NaN"}'), {
    a: null,
    b: [null, null],
    c: '-Infinity " NaN',
  });
  for (const text of ["", "{", "{a: NaN}", "Inf", "nan", "'NaN'"]) {
    assertThrows(() => parsePythonJson(text), SyntaxError);
  }
});

Deno.test("parseSchedulerConfig fills in diffusers' defaults and drops keys that it does not know", () => {
  assertEquals(parseSchedulerConfig({ _class_name: "DDPMScheduler", thresholding: false }), {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    variance_type: "fixed_small",
    clip_sample: true,
    clip_sample_range: 1,
    prediction_type: "epsilon",
    timestep_spacing: "leading",
    steps_offset: 0,
    rescale_betas_zero_snr: false,
  });
});

const REFUSED: [Record<string, unknown>, string][] = [
  [{ beta_schedule: "laplace" }, "beta_schedule: Invalid option"],
  [{ beta_schedule: "laplace" }, 'received "laplace"'],
  [
    { thresholding: true },
    "thresholding: Invalid input: expected false (there is no dynamic thresholding here), received true",
  ],
  [{ _class_name: "ScoreSdeVeScheduler" }, '"DDPMScheduler"|"DDIMScheduler"'],
  [{ _class_name: "EulerDiscreteScheduler" }, 'received "EulerDiscreteScheduler"'],
  [
    { _class_name: "DPMSolverMultistepScheduler", use_flow_sigmas: true },
    "use_flow_sigmas: Invalid input: expected false",
  ],
  [{ predict_epsilon: 0 }, "predict_epsilon: "],
  [{ num_train_timesteps: 0 }, "num_train_timesteps: "],
  [{ num_train_timesteps: 10.5 }, "num_train_timesteps: "],
  [{ beta_start: 0 }, "beta_start: "],
  [{ beta_end: 1 }, "beta_end: "],
  [{ prediction_type: "flow" }, "prediction_type: "],
  [{ variance_type: "none" }, "variance_type: "],
  [{ trained_betas: [] }, "trained_betas: "],
  [{ trained_betas: [0.1, 2], num_train_timesteps: 2 }, "trained_betas.1: "],
  [{ trained_betas: [0.1, 0.2] }, "trained_betas must have num_train_timesteps 1000 entries, received 2"],
  [{ trained_betas: [1, 0.2], num_train_timesteps: 2 }, "trained_betas must be below 1 before the last, received 1"],
  [{ rescale_betas_zero_snr: true, num_train_timesteps: 1 }, "num_train_timesteps must be at least 2"],
];

for (const [config, message] of REFUSED) {
  Deno.test(`parseSchedulerConfig refuses ${JSON.stringify(config)}: ${message}`, () => {
    assertThrows(() => parseSchedulerConfig(config), ModelError, message);
  });
}

Deno.test("parseSchedulerConfig refuses what is no object", () => {
  for (const json of [null, [], "linear", 3]) {
    assertThrows(() => parseSchedulerConfig(json), ModelError, "Cannot use this scheduler config: it: ");
  }
});

for (const schedule of SCHEDULES) {
  Deno.test(`schedulerConfigOf ${schedule} describes the betas of that schedule, and survives JSON`, () => {
    const config = schedulerConfigOf({ schedule, timesteps: 50, prediction: "v_prediction" });
    const read = parseSchedulerConfig(JSON.parse(JSON.stringify(config)));
    assertEquals(read, config);
    assertEquals(diffusionOf(read).betas, betaSchedule(schedule, 50));
    assertEquals(read.prediction_type, "v_prediction");
  });
}
