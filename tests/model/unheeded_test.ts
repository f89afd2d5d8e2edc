import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { parsePythonJson } from "../../model/config_json.ts";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { unheededSettings } from "../../model/unheeded.ts";
import { writingTest } from "./temporary_folder.ts";

const MODEL = "tests/fixtures/tiny-model";

const unheeded = (json: Record<string, unknown>) => unheededSettings(json, parseSchedulerConfig(json));

const { cases }: { cases: { text: string; set: Record<string, unknown> }[] } = JSON.parse(
  await Deno.readTextFile("tests/fixtures/model/schedulers.json"),
);

for (const { text, set } of cases) {
  const json = parsePythonJson(text) as Record<string, unknown>;
  Deno.test(`what diffusers' ${json._class_name} saves tells nothing, ${JSON.stringify(set)}`, () => {
    assertEquals(unheeded(json), []);
  });
}

const SPACING = "heun and dpmsolver++ spread their steps by linspace, unless a request says otherwise";
const SIGMAS = "the steps are at the timesteps' own σ";
const ELSEWHERE = "it steers a sampler that is not here";

// By class, one setting at a time: what is told of it.
const TOLD: Record<string, [setting: Record<string, unknown>, told: string][]> = {
  DDPM: [[{ timestep_spacing: "trailing" }, `timestep_spacing "trailing" (${SPACING})`]],
  DDIM: [
    [{ set_alpha_to_one: false }, "set_alpha_to_one false (the last step leads to ᾱ = 1)"],
    [
      { use_clipped_model_output: false },
      "use_clipped_model_output false (ddim points to x_t from the clipped x_0)",
    ],
    [{ timestep_spacing: "trailing" }, `timestep_spacing "trailing" (${SPACING})`],
  ],
  PNDM: [
    [
      { clip_sample: true },
      "clip_sample true (x_0 is clipped in every step, which this class does not do in diffusers)",
    ],
    [{ timestep_spacing: "trailing" }, `timestep_spacing "trailing" (${SPACING})`],
    [{ skip_prk_steps: true }, `skip_prk_steps true (${ELSEWHERE})`],
  ],
  DPMSolverMultistep: [
    [
      { clip_sample: true },
      "clip_sample true (x_0 is clipped in every step, which this class does not do in diffusers)",
    ],
    [{ timestep_spacing: "leading" }, `timestep_spacing "leading" (${SPACING})`],
    [{ timestep_spacing: "trailing" }, `timestep_spacing "trailing" (${SPACING})`],
    [{ use_karras_sigmas: true }, `use_karras_sigmas true (${SIGMAS})`],
    [{ use_exponential_sigmas: true }, `use_exponential_sigmas true (${SIGMAS})`],
    [{ use_beta_sigmas: true }, `use_beta_sigmas true (${SIGMAS})`],
    [{ use_lu_lambdas: true }, `use_lu_lambdas true (${SIGMAS})`],
    [{ final_sigmas_type: "sigma_min" }, 'final_sigmas_type "sigma_min" (the last step leads to σ = 0)'],
    [{ lambda_min_clipped: -5.1 }, "lambda_min_clipped -5.1 (the steps begin at the highest noise)"],
    [
      { algorithm_type: "sde-dpmsolver++" },
      'algorithm_type "sde-dpmsolver++" (dpmsolver++ is the deterministic one in x_0)',
    ],
    [{ algorithm_type: "dpmsolver" }, 'algorithm_type "dpmsolver" (dpmsolver++ is the deterministic one in x_0)'],
    [{ solver_order: 3 }, "solver_order 3 (dpmsolver++ is of order 2)"],
    [{ solver_type: "heun" }, 'solver_type "heun" (dpmsolver++ takes the midpoint)'],
  ],
  DPMSolverSinglestep: [
    [{ use_karras_sigmas: true }, `use_karras_sigmas true (${SIGMAS})`],
    [{ solver_order: 1 }, "solver_order 1 (dpmsolver++ is of order 2)"],
    [{ lower_order_final: true }, `lower_order_final true (${ELSEWHERE})`],
  ],
  DEISMultistep: [
    [{ use_beta_sigmas: true }, `use_beta_sigmas true (${SIGMAS})`],
    [{ lower_order_final: false }, `lower_order_final false (${ELSEWHERE})`],
  ],
  UniPCMultistep: [
    [{ timestep_spacing: "leading" }, `timestep_spacing "leading" (${SPACING})`],
    [{ final_sigmas_type: "sigma_min" }, 'final_sigmas_type "sigma_min" (the last step leads to σ = 0)'],
    [{ solver_type: "bh1" }, `solver_type "bh1" (${ELSEWHERE})`],
    [{ predict_x0: false }, `predict_x0 false (${ELSEWHERE})`],
    [{ disable_corrector: [0, 1] }, `disable_corrector [0,1] (${ELSEWHERE})`],
    [{ solver_p: ["diffusers", "DDIMScheduler"] }, `solver_p ["diffusers","DDIMScheduler"] (${ELSEWHERE})`],
  ],
};

for (const [name, settings] of Object.entries(TOLD)) {
  Deno.test(`what ${name}Scheduler asks for and is not done is told, each with what is done instead`, () => {
    for (const [setting, told] of settings) {
      assertEquals(unheeded({ _class_name: `${name}Scheduler`, ...setting }), [told]);
    }
  });
}

Deno.test("all that is not done is told, in one order", () => {
  const json = {
    _class_name: "DPMSolverMultistepScheduler",
    algorithm_type: "sde-dpmsolver++",
    use_karras_sigmas: true,
    timestep_spacing: "leading",
  };
  assertEquals(unheeded(json).map((told) => told.split(" ")[0]), [
    "timestep_spacing",
    "use_karras_sigmas",
    "algorithm_type",
  ]);
});

Deno.test("nothing is told of what is done, of what changes nothing, and of keys that the class does not read", () => {
  for (
    const json of [
      {},
      { _class_name: "DDPMScheduler", _diffusers_version: "0.1.1", _use_default_values: ["steps_offset"] },
      { _class_name: "DDPMScheduler", tensor_format: "pt", timesteps: 1000, timestep_values: null },
      // Of other classes.
      { _class_name: "DDPMScheduler", use_karras_sigmas: true, algorithm_type: "sde-dpmsolver++", solver_order: 3 },
      { _class_name: "DPMSolverMultistepScheduler", set_alpha_to_one: false, skip_prk_steps: true },
      // Taken over.
      { _class_name: "DDPMScheduler", timestep_spacing: "linspace", clip_sample: false, steps_offset: 1 },
      { _class_name: "DDIMScheduler", set_alpha_to_one: true, use_clipped_model_output: true },
      // The same without clipping.
      { _class_name: "DDIMScheduler", use_clipped_model_output: false, clip_sample: false },
      // diffusers takes them for its own.
      { _class_name: "DPMSolverMultistepScheduler", algorithm_type: "deis", solver_type: "logrho" },
      { _class_name: "DPMSolverMultistepScheduler", use_karras_sigmas: null, lambda_min_clipped: null },
      { _class_name: "DPMSolverMultistepScheduler", euler_at_final: true, lower_order_final: false },
    ]
  ) assertEquals(unheeded(json), [], JSON.stringify(json));
});

writingTest(
  "loadPipeline tells in one line what its scheduler asks for, once, and nothing of its own models",
  async (folder) => {
    const told: string[] = [];
    const notice = (message: string) => void told.push(message);
    const model = await loadPipeline(MODEL, { notice });
    await savePipeline({ ...model, folder });
    assertEquals((await loadPipeline(folder, { notice })).unheeded, []);
    assertEquals(told, []);

    const path = join(folder, "scheduler", "scheduler_config.json");
    const json = { _class_name: "DDIMScheduler", set_alpha_to_one: false, timestep_spacing: "trailing" };
    await Deno.writeTextFile(path, JSON.stringify(json));
    const { unheeded } = await loadPipeline(folder, { notice });
    assertEquals(unheeded, [
      "set_alpha_to_one false (the last step leads to ᾱ = 1)",
      `timestep_spacing "trailing" (${SPACING})`,
    ]);
    assertEquals(told, [`${path} is not followed in ${unheeded!.join(", ")}`]);
  },
);
