import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Sampler } from "../serving/client.ts";
import { allowOnly } from "./method_not_allowed.ts";

const healthSchema = z.object({
  status: z.enum(["ok", "failed"]),
  error: z.string().optional().openapi({ description: "Why sampling has failed" }),
  model: z.object({
    folder: z.string(),
    height: z.int(),
    width: z.int(),
    channels: z.int(),
    timesteps: z.int(),
    labels: z.array(z.string()).nullable(),
    guidance: z.boolean().openapi({ description: "Whether the model was trained for classifier-free guidance" }),
  }),
  engine: z.object({ name: z.string(), version: z.string(), device: z.string() }),
  pendingImages: z.int(),
  uptimeSeconds: z.number(),
  memory: z.object({ rssBytes: z.int() }),
}).openapi("Health");

const content = { "application/json": { schema: healthSchema } };

const route = createRoute({
  method: "get",
  path: "/health",
  summary: "What is loaded, and whether it can draw",
  responses: {
    200: { description: "Ready", content },
    503: { description: "The sampling worker has died", content },
  },
});

/** `/health`: what is loaded, and whether it can draw. */
export const healthRoutes = (app: OpenAPIHono, { sampler }: { sampler: Sampler }): void => {
  const started = performance.now();
  app.openapi(route, (c) => {
    const { info, failure, pending } = sampler;
    const { folder, height, width, channels, timesteps, labels, nullLabel } = info;
    return c.json({
      status: failure ? "failed" as const : "ok" as const,
      error: failure?.message,
      model: {
        folder,
        height,
        width,
        channels,
        timesteps,
        labels: labels && [...labels],
        guidance: nullLabel !== null,
      },
      engine: info.engine,
      pendingImages: pending,
      uptimeSeconds: (performance.now() - started) / 1000,
      memory: { rssBytes: Deno.memoryUsage().rss },
    }, failure ? 503 : 200);
  });
  allowOnly(app, "/health", ["GET"]);
};
