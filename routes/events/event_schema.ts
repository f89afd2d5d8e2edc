import { z } from "@hono/zod-openapi";

/**
 * How the events of a stream stand in the OpenAPI description: one object an event.
 *
 * @param types the types that it can have
 */
export const eventSchema = (types: readonly string[]) =>
  z.object({
    id: z.string().openapi({ description: "Counts up; send the last as Last-Event-ID to go on after a break" }),
    event: z.enum(types as [string, ...string[]]),
    data: z.string().openapi({
      description:
        "JSON. queued: position, the images before it. step: done of total over all images, step of steps of " +
        "the last one, and preview, the pictures x and x0 as data: URLs, in some. done: the drawing or the prediction. " +
        "error: the problem",
    }),
  });
