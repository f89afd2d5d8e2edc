import { z } from "@hono/zod-openapi";
import {
  betaSchedule,
  createDiffusion,
  type Diffusion,
  rescaleZeroTerminalSnr,
  type ScheduleName,
  SCHEDULES,
} from "../../core/mod.ts";
import { ParameterError, ScheduleError } from "../../sampling/errors.ts";
import { DESCRIPTIONS, type ParameterName, PARAMETERS } from "./names.ts";

const betaField = ({ description, default: value }: { description: string; default: number }) =>
  z.number().min(1e-8).max(1 - 1e-8).optional()
    .openapi({ description: `${description}, where the schedule reads it. Default: ${value}`, examples: [value] });

/** What a schedule's curves can be asked with. */
export const curveQuery = z.strictObject({
  timesteps: z.int().min(1).max(10_000).default(1000).openapi({ description: "T", example: 1000 }),
  beta_start: betaField(PARAMETERS.beta_start),
  beta_end: betaField(PARAMETERS.beta_end),
  max_beta: betaField(PARAMETERS.max_beta),
  rescale_zero_terminal_snr: z.boolean().default(false)
    .openapi({ description: "Whether it is shifted so that x_T holds no signal (Lin et al. 2023); T ≥ 2" }),
});

const curve = (description: string) => z.array(z.number()).openapi({ description });

/** The curves of a schedule, as JSON. */
export const curveSchema = z.object({
  name: z.enum(SCHEDULES),
  timesteps: z.int(),
  betas: curve("β_t (eq. 2 of the paper)"),
  alphasCumprod: curve("ᾱ_t (eq. 4): the share of the image's variance in x_t"),
  posteriorVariance: curve("β̃_t (eq. 7)"),
  logSnr: z.array(z.number().nullable())
    .openapi({ description: "log(ᾱ_t / (1 − ᾱ_t)); null where x_t holds no signal, or no noise" }),
}).openapi("ScheduleCurve");

const tablesOf = (name: ScheduleName, { timesteps, ...parameters }: z.output<typeof curveQuery>): Diffusion => {
  const { beta_start: betaStart, beta_end: betaEnd, max_beta: maxBeta } = parameters;
  const betas = betaSchedule(name, timesteps, { betaStart, betaEnd, maxBeta });
  try {
    return createDiffusion(parameters.rescale_zero_terminal_snr ? rescaleZeroTerminalSnr(betas) : betas);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ScheduleError(`there is no such schedule: ${cause.message}`, { cause });
  }
};

/**
 * The curves of a schedule as its parameters say, T numbers each.
 *
 * @throws {ParameterError} if the schedule does not read one of them
 * @throws {ScheduleError} if they make no schedule
 */
export const curvesOf = (name: ScheduleName, received: z.output<typeof curveQuery>): z.output<typeof curveSchema> => {
  const { timesteps, rescale_zero_terminal_snr } = received;
  const unread = (Object.keys(PARAMETERS) as ParameterName[])
    .filter((field) => received[field] !== undefined && !DESCRIPTIONS[name].parameters.includes(field))
    .map((field) => ({ field, received: received[field], allowed: `absent: ${name} does not read it` }));
  if (unread.length > 0) throw new ParameterError(unread);
  if (rescale_zero_terminal_snr && timesteps < 2) {
    throw new ParameterError([{ field: "timesteps", received: timesteps, allowed: "≥ 2 to be rescaled" }]);
  }
  const { betas, alphasCumprod, posteriorVariance, snr } = tablesOf(name, received);
  const logSnr = Array.from(snr, (ratio) => Number.isFinite(Math.log(ratio)) ? Math.log(ratio) : null);
  return {
    name,
    timesteps,
    betas: [...betas],
    alphasCumprod: [...alphasCumprod],
    posteriorVariance: [...posteriorVariance],
    logSnr,
  };
};
