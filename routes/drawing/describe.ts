import { z } from "@hono/zod-openapi";
import { eventSchema } from "../events/event_schema.ts";
import { drawingSchema } from "../output/document.ts";
import { type Format, FORMATS } from "../output/formats.ts";
import { describeHeaders } from "../output/headers.ts";
import { predictionSchema } from "../predictions/document.ts";
import type { Operation } from "../resource.ts";
import { problemResponses } from "../responses.ts";
import type { DrawingTask } from "../tasks/task.ts";

const binary = z.string().openapi({ type: "string", format: "binary" });

const SCHEMAS: Partial<Record<Format, z.ZodType>> = {
  json: drawingSchema,
  "event-stream": eventSchema(["queued", "started", "step", "done", "error"]),
};

/** What a drawing may be answered with in these formats, by media type. */
export const describeContent = (formats: readonly Format[]): Record<string, { schema: z.ZodType }> =>
  Object.fromEntries(formats.map((format) => [FORMATS[format], { schema: SCHEMAS[format] ?? binary }]));

/** The answers of a resource that draws, as they stand in the OpenAPI description. */
export const describeAnswers = (
  { images }: DrawingTask,
  schema: z.ZodObject,
  { formats, hasBody }: { formats: readonly Format[]; hasBody: boolean },
): Operation["responses"] => ({
  200: {
    description: "The images, in the format that was asked for; the headers say how to make them again",
    content: describeContent(formats),
    headers: describeHeaders(schema, images),
  },
  202: {
    description: "With Prefer: respond-async, the prediction that will have the images",
    content: { "application/json": { schema: predictionSchema } },
    headers: z.object({
      location: z.string().openapi({ description: "Where to follow it" }),
      "preference-applied": z.string().openapi({ description: "respond-async" }),
    }),
  },
  ...(hasBody ? problemResponses(400, 413, 415) : {}),
  ...problemResponses(406, 422, 429, 500, 503, 504),
});
