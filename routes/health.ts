import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Serving } from "../serving/serving.ts";
import { problem } from "./http/problem.ts";
import { problemResponse, resource } from "./http/resource.ts";

const healthSchema = z.object({
  status: z.literal("ok"),
  serving: z.enum(["starting", "ready", "restarting", "failed"])
    .openapi({ description: "Whether images can be drawn; /ready says it by its status" }),
  error: z.string().optional().openapi({ description: "What the engine last failed of" }),
  models: z.array(z.string()),
  pendingImages: z.int().openapi({ description: "Images that were asked for and are not done" }),
  uptimeSeconds: z.number(),
  memory: z.object({
    rssBytes: z.int().nullable().openapi({ description: "Of the process; null where nothing tells" }),
  }),
}).openapi("Health");

const readySchema = z.object({ status: z.literal("ready") }).openapi("Ready");

const startedAt = performance.now();

/**
 * `/health`: that the server lives; `/ready`: that it can draw. Both are open to all.
 *
 * @param serving gives what is served, or null while the models are being loaded
 * @param residentBytes memory of the process
 */
export const healthRoutes = (
  app: OpenAPIHono,
  serving: () => Serving | null,
  residentBytes: () => number | null,
): void => {
  const options = { keys: [], right: null, tag: "Server" } as const;
  resource(app, "/health", {
    get: {
      id: "health",
      summary: "Whether the server lives",
      responses: { 200: { description: "It does", content: { "application/json": { schema: healthSchema } } } },
      answer: (c) => {
        const served = serving();
        const body: z.output<typeof healthSchema> = {
          status: "ok",
          serving: served?.state ?? "starting",
          error: served?.failure?.message,
          models: served?.models.map(({ name }) => name) ?? [],
          pendingImages: served?.stats.reduce((sum, { live, waiting }) => sum + live + waiting, 0) ?? 0,
          uptimeSeconds: (performance.now() - startedAt) / 1000,
          memory: { rssBytes: residentBytes() },
        };
        return c.json(body, 200);
      },
    },
  }, options);
  resource(app, "/ready", {
    get: {
      id: "ready",
      summary: "Whether images can be drawn",
      responses: {
        200: { description: "They can", content: { "application/json": { schema: readySchema } } },
        503: problemResponse(503, "The models are being loaded, the engine is being restarted, or it is lost"),
      },
      answer: (c) => {
        const state = serving()?.state ?? "starting";
        if (state === "ready") return c.json({ status: state }, 200);
        return problem(c, 503, `images cannot be drawn: ${state}`, {
          headers: { "retry-after": state === "failed" ? "60" : "2" },
        });
      },
    },
  }, options);
};
