import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import {
  betaSchedule,
  createDiffusion,
  type Diffusion,
  rescaleZeroTerminalSnr,
  type ScheduleName,
  SCHEDULES,
} from "../core/mod.ts";
import { ParameterError, ScheduleError } from "../sampling/errors.ts";
import type { ApiKey } from "./http/rights.ts";
import { readInput } from "./http/read_input.ts";
import { problemResponses, resource } from "./http/resource.ts";

/** What schedules can be told, with the published values. */
const PARAMETERS = {
  betaStart: { description: "β_1", default: 1e-4 },
  betaEnd: { description: "β_T", default: 0.02 },
  maxBeta: { description: "The bound of β_t", default: 0.999 },
} as const;

/** The name of one of `PARAMETERS`. */
type ParameterName = keyof typeof PARAMETERS;

const ENDS: readonly ParameterName[] = ["betaStart", "betaEnd"];

/** What each schedule is, and which parameters it reads. */
const DESCRIPTIONS: Record<ScheduleName, { description: string; parameters: readonly ParameterName[] }> = {
  linear: { description: "β evenly from betaStart to betaEnd (Ho et al. 2020)", parameters: ENDS },
  cosine: { description: "ᾱ a squared cosine (Nichol & Dhariwal 2021)", parameters: ["maxBeta"] },
  sigmoid: { description: "β along a sigmoid from betaStart to betaEnd (GeoDiff)", parameters: ENDS },
  quadratic: { description: "√β evenly from √betaStart to √betaEnd; diffusers' scaled_linear", parameters: ENDS },
  const: { description: "β = betaEnd throughout", parameters: ["betaEnd"] },
  jsd: { description: "β = 1/T, 1/(T − 1) … 1", parameters: [] },
  warmup10: { description: "linear over the first 10 % of the steps, then betaEnd", parameters: ENDS },
  warmup50: { description: "linear over the first 50 % of the steps, then betaEnd", parameters: ENDS },
};

/** A schedule by name, as JSON. */
const summarySchema = z.object({
  name: z.enum(SCHEDULES),
  description: z.string(),
  parameters: z.record(z.string(), z.object({ description: z.string(), default: z.number() })),
}).openapi("Schedule");

/** Describes a schedule as JSON. */
const summaryOf = (name: ScheduleName): z.output<typeof summarySchema> => ({
  name,
  description: DESCRIPTIONS[name].description,
  parameters: Object.fromEntries(DESCRIPTIONS[name].parameters.map((parameter) => [parameter, PARAMETERS[parameter]])),
});

const betaField = ({ description, default: value }: { description: string; default: number }) =>
  z.number().min(1e-8).max(1 - 1e-8).optional()
    .openapi({ description: `${description}, where the schedule reads it. Default: ${value}`, examples: [value] });

/** What a schedule's curves can be asked with. */
const curveQuery = z.strictObject({
  timesteps: z.int().min(1).max(10_000).default(1000).openapi({ description: "T", example: 1000 }),
  betaStart: betaField(PARAMETERS.betaStart),
  betaEnd: betaField(PARAMETERS.betaEnd),
  maxBeta: betaField(PARAMETERS.maxBeta),
  rescaleZeroTerminalSnr: z.boolean().default(false)
    .openapi({ description: "Whether it is shifted so that x_T holds no signal (Lin et al. 2023); T ≥ 2" }),
});

const curve = (description: string) => z.array(z.number()).openapi({ description });

/** The curves of a schedule, as JSON. */
const curveSchema = z.object({
  name: z.enum(SCHEDULES),
  timesteps: z.int(),
  betas: curve("β_t (eq. 2 of the paper)"),
  alphasCumprod: curve("ᾱ_t (eq. 4): the share of the image's variance in x_t"),
  posteriorVariance: curve("β̃_t (eq. 7)"),
  logSnr: z.array(z.number().nullable())
    .openapi({ description: "log(ᾱ_t / (1 − ᾱ_t)); null where x_t holds no signal, or no noise" }),
}).openapi("ScheduleCurve");

const tablesOf = (
  name: ScheduleName,
  { timesteps, rescaleZeroTerminalSnr: isRescaled, ...parameters }: z.output<typeof curveQuery>,
): Diffusion => {
  const betas = betaSchedule(name, timesteps, parameters);
  try {
    return createDiffusion(isRescaled ? rescaleZeroTerminalSnr(betas) : betas);
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
const curvesOf = (name: ScheduleName, received: z.output<typeof curveQuery>): z.output<typeof curveSchema> => {
  const { timesteps } = received;
  const unread = (Object.keys(PARAMETERS) as ParameterName[])
    .filter((field) => received[field] !== undefined && !DESCRIPTIONS[name].parameters.includes(field))
    .map((field) => ({ field, received: received[field], allowed: `absent: ${name} does not read it` }));
  if (unread.length > 0) throw new ParameterError(unread);
  if (received.rescaleZeroTerminalSnr && timesteps < 2) {
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

const scheduleParams = z.object({
  name: z.enum(SCHEDULES).openapi({ param: { name: "name", in: "path" }, example: "cosine" }),
});

const isSchedule = (name: string): name is ScheduleName => (SCHEDULES as readonly string[]).includes(name);

/** `/schedules`: the noise schedules by name, and their curves. */
export const scheduleRoutes = (app: OpenAPIHono, { keys }: { keys: readonly ApiKey[] }): void => {
  const options = { keys, right: "generate", tag: "Schedules" } as const;
  resource(app, "/schedules", {
    get: {
      id: "listSchedules",
      summary: "The noise schedules, and the parameters of each",
      responses: {
        200: { description: "By name", content: { "application/json": { schema: z.array(summarySchema) } } },
      },
      answer: (c) => c.json(SCHEDULES.map(summaryOf), 200),
    },
  }, options);
  resource(app, "/schedules/{name}", {
    get: {
      id: "getSchedule",
      summary: "The curves of a noise schedule",
      request: { params: scheduleParams, query: curveQuery },
      responses: {
        200: { description: "T numbers a curve", content: { "application/json": { schema: curveSchema } } },
        ...problemResponses(404),
      },
      answer: async (c) => {
        const name = c.req.param("name")!;
        if (!isSchedule(name)) {
          throw new HTTPException(404, {
            message: `there is no schedule ${JSON.stringify(name)}: ${SCHEDULES.join(", ")} are there`,
          });
        }
        return c.json(curvesOf(name, await readInput(c, curveQuery, ["query"])), 200);
      },
    },
  }, options);
};
