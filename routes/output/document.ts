import { z } from "@hono/zod-openapi";
import type { Drawing } from "./drawing.ts";

/** A drawing as JSON. */
export const drawingSchema = z.object({
  task: z.string(),
  model: z.string(),
  engine: z.object({ name: z.string(), version: z.string(), device: z.string() }),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .openapi({ description: "Every choice that was made: the same parameters make the same images" }),
  measures: z.record(z.string(), z.number()),
  seconds: z.object({ waiting: z.number(), drawing: z.number() }),
  images: z.array(z.object({
    label: z.string().optional().openapi({ description: "Its class" }),
    lambda: z.number().optional().openapi({ description: "λ of an interpolation" }),
    t: z.int().optional().openapi({ description: "Timestep of a strip; x_0 has none" }),
    image: z.string().openapi({ description: "PNG as a data: URL, which requests take as an image" }),
  })),
}).openapi("Drawing");

/** Says a drawing as JSON, with the URL of each image. */
export const drawingDocument = (
  { head, measures, seconds, items }: Drawing,
  urls: readonly string[],
): z.output<typeof drawingSchema> => ({
  ...head,
  measures: { ...measures },
  seconds,
  images: items.map((item, i) => ({ ...item, image: urls[i] })),
});
