import { z } from "@hono/zod-openapi";
import type { Drawing, DrawingHead, Parameters } from "./drawing.ts";

const found = (description: string) => z.string().optional().openapi({ description });

/** What is found out while a drawing is made; an event stream begins before that. */
const FOUND = {
  "denoise-mse": found("Mean squared error of a reconstruction"),
  "content-location": found("Where a GET makes the same images again"),
  "server-timing": found("Milliseconds of waiting, sampling and encoding"),
};

const headerName = (parameter: string): string => `denoise-${parameter.replaceAll("_", "-")}`;

/** Headers hold ASCII alone: anything else is percent-encoded. */
const headerValue = (value: string | number | boolean): string =>
  String(value).replace(/[^!-~]|%/g, encodeURIComponent);

/** Every choice that was made, as headers: all that makes the images again. */
export const headHeaders = ({ task, model, engine, parameters }: DrawingHead): Record<string, string> => ({
  "denoise-task": task,
  "denoise-model": headerValue(model),
  "denoise-engine": headerValue(engine.name),
  ...Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [headerName(name), headerValue(value)]),
  ),
  ...contentLocation({ task, model, parameters }),
});

/** Where a GET makes the same images again, for tasks that need nothing but parameters. */
const contentLocation = (
  { task, model, parameters }: { task: string; model: string; parameters: Parameters },
): Record<string, string> => {
  if (task !== "generate") return {};
  const query = new URLSearchParams({ model });
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value));
  return { "content-location": `/generate?${query}` };
};

/** What was found out, and how long it took (Server-Timing). */
export const drawingHeaders = ({ head, measures, seconds }: Drawing, encoding: number): Record<string, string> => {
  const times = { wait: seconds.waiting, sample: seconds.drawing, encode: encoding };
  return {
    ...headHeaders(head),
    ...Object.fromEntries(Object.entries(measures).map(([name, value]) => [headerName(name), String(value)])),
    "server-timing": Object.entries(times).map(([name, s]) => `${name};dur=${(s * 1000).toFixed(1)}`).join(", "),
  };
};

/** Fields that say how to answer, and not what. */
const NO_PARAMETERS = new Set(["model", "format", "frames", "timeout_s"]);

/** What is said of every drawing, since it is either chosen or has a default. */
const isAlwaysSaid = (name: string, field: z.ZodType): boolean =>
  name === "seed" || name === "steps" || field.safeParse(undefined).data !== undefined;

/**
 * How these headers stand in the OpenAPI description.
 *
 * @param images names of the fields that hold images
 */
export const describeHeaders = (schema: z.ZodObject, images: readonly string[]): z.ZodObject => {
  const text = (description: string) => z.string().openapi({ description });
  const parameters = Object.entries(schema.shape as Record<string, z.ZodType>)
    .filter(([name]) => !NO_PARAMETERS.has(name) && !images.includes(name))
    .map(([name, field]) =>
      isAlwaysSaid(name, field)
        ? [headerName(name), text(`The parameter ${name}`)] as const
        : [headerName(name), text(`The parameter ${name}; absent where it was left out`).optional()] as const
    );
  return z.object({
    "denoise-task": text("What was asked"),
    "denoise-model": text("The model's name, percent-encoded where it is not ASCII"),
    "denoise-engine": text("Where the network ran"),
    ...Object.fromEntries(parameters),
    ...FOUND,
  });
};

/** Headers of any drawing: what is known of its parameters only when it is seen. */
export const describeAnyHeaders = (): z.ZodObject =>
  z.object({
    "denoise-task": z.string().openapi({
      description: "What was asked; the other denoise-… headers are its parameters",
    }),
    "denoise-model": z.string().openapi({ description: "The model's name, percent-encoded where it is not ASCII" }),
    "denoise-engine": z.string().openapi({ description: "Where the network ran" }),
    ...FOUND,
  });
