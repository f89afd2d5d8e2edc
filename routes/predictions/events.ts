import { z } from "@hono/zod-openapi";
import type { DrawingDependencies } from "../drawing/dependencies.ts";
import { eventSchema } from "../events/event_schema.ts";
import { eventStream } from "../events/event_stream.ts";
import { FORMATS } from "../output/formats.ts";
import type { Operation } from "../resource.ts";
import { problemResponses } from "../responses.ts";
import { find, params } from "./context.ts";

/** `GET /predictions/{id}/events`: what happens to a prediction, as it happens. */
export const predictionEvents = (
  { predictions, onStream }: Pick<DrawingDependencies, "predictions" | "onStream">,
): Operation => ({
  id: "prediction_events",
  summary: "What happens to a prediction, as it happens",
  description:
    "Server-sent events: queued, started, step, and last done, error or canceled. After a break, those since " +
    "Last-Event-ID follow; of steps without a picture only the last is kept.",
  request: {
    params,
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        description: "Id of the last event received",
        examples: ["3"],
      }),
    }),
  },
  responses: {
    200: {
      description: "The events so far, and those to come",
      content: {
        "text/event-stream": { schema: eventSchema(["queued", "started", "step", "done", "error", "canceled"]) },
      },
    },
    ...problemResponses(404),
  },
  answer: (c) => {
    const { running } = find(predictions, c);
    const headers = { "content-type": FORMATS["event-stream"], "cache-control": "no-store" };
    if (c.req.method === "HEAD") return c.body(null, 200, headers);
    const id = Number(c.req.header("last-event-id"));
    onStream(1);
    const stream = eventStream(running.events, {
      after: Number.isSafeInteger(id) && id > 0 ? id : 0,
      onEnd: () => onStream(-1),
    });
    return c.body(stream, 200, headers);
  },
});
