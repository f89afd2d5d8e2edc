import { z } from "@hono/zod-openapi";
import { type ScheduleName, SCHEDULES } from "../../core/mod.ts";

/** What schedules can be told, with the published values. */
export const PARAMETERS = {
  beta_start: { description: "β_1", default: 1e-4 },
  beta_end: { description: "β_T", default: 0.02 },
  max_beta: { description: "The bound of β_t", default: 0.999 },
} as const;

/** The name of one of `PARAMETERS`. */
export type ParameterName = keyof typeof PARAMETERS;

const ENDS: readonly ParameterName[] = ["beta_start", "beta_end"];

/** What each schedule is, and which parameters it reads. */
export const DESCRIPTIONS: Record<ScheduleName, { description: string; parameters: readonly ParameterName[] }> = {
  linear: { description: "β evenly from beta_start to beta_end (Ho et al. 2020)", parameters: ENDS },
  cosine: { description: "ᾱ a squared cosine (Nichol & Dhariwal 2021)", parameters: ["max_beta"] },
  sigmoid: { description: "β along a sigmoid from beta_start to beta_end (GeoDiff)", parameters: ENDS },
  quadratic: { description: "√β evenly from √beta_start to √beta_end; diffusers' scaled_linear", parameters: ENDS },
  const: { description: "β = beta_end throughout", parameters: ["beta_end"] },
  jsd: { description: "β = 1/T, 1/(T − 1) … 1", parameters: [] },
  warmup10: { description: "linear over the first 10 % of the steps, then beta_end", parameters: ENDS },
  warmup50: { description: "linear over the first 50 % of the steps, then beta_end", parameters: ENDS },
};

/** A schedule by name, as JSON. */
export const summarySchema = z.object({
  name: z.enum(SCHEDULES),
  description: z.string(),
  parameters: z.record(z.string(), z.object({ description: z.string(), default: z.number() })),
}).openapi("Schedule");

/** Describes a schedule as JSON. */
export const summaryOf = (name: ScheduleName): z.output<typeof summarySchema> => ({
  name,
  description: DESCRIPTIONS[name].description,
  parameters: Object.fromEntries(DESCRIPTIONS[name].parameters.map((parameter) => [parameter, PARAMETERS[parameter]])),
});
