import type { OpenAPIHono } from "@hono/zod-openapi";
import { createFrame, type FrameOptions } from "./frame.ts";
import { healthRoutes } from "./health.ts";
import { problem } from "./problem.ts";

/** The application while the models are being loaded: it lives, and can do nothing yet. */
export const createStartingApp = (options: FrameOptions): OpenAPIHono => {
  const app = createFrame(options);
  healthRoutes(app, () => null);
  app.all("*", (c) => problem(c, 503, "the models are being loaded", { headers: { "retry-after": "2" } }));
  return app;
};
