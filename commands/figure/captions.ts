import { basename } from "@std/path";
import { escapeTex } from "../../figures/typeset.ts";
import type { SchedulerConfig } from "../../model/scheduler_config.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";

const SAMPLERS = { ddpm: "ancestral sampling", ddim: "DDIM", heun: "Heun's method", "dpmsolver++": "DPM-Solver++" };

const SCHEDULES: Record<string, string> = { scaled_linear: "quadratic", squaredcos_cap_v2: "cosine" };

/** "1", "1 and 2", "1, 2 and 3". */
export const joinWithAnd = (items: readonly (string | number)[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

/** The sampler and its steps, for a caption. */
export const samplerCaption = ({ sampler, steps, eta, guidance }: ResolvedSampling): string => {
  const details = [
    `${steps}\u00a0step${steps === 1 ? "" : "s"}`,
    ...(eta ? [`$\\eta = ${eta}$`] : []),
    ...(guidance === 1 ? [] : [`guidance\u00a0${guidance}`]),
  ];
  return `${SAMPLERS[sampler]} in ${details.join(", ")}`;
};

/** A model's noise schedule by the name that this project has for it. */
export const scheduleCaption = ({ beta_schedule: name, trained_betas: betas }: SchedulerConfig): string =>
  betas ? "of its own" : SCHEDULES[name] ?? name;

/** What a model is called in a caption: its folder's name. */
export const modelCaption = (folder: string): string => `model\u00a0${escapeTex(basename(folder))}`;
