import type { OpenAPIHono } from "@hono/zod-openapi";
import { createFrame, type FrameOptions } from "./frame.ts";
import { healthRoutes } from "./health.ts";
import { answerPage, pageFiles, wantsPage } from "./page.ts";
import { problem } from "./problem.ts";

/** The application while the models are being loaded: it lives, shows the page, and can do nothing else yet. */
export const createStartingApp = (options: FrameOptions): OpenAPIHono => {
  const app = createFrame(options);
  healthRoutes(app, () => null);
  pageFiles(app);
  app.get("/", (c, next) => wantsPage(c) ? answerPage(c) : next());
  app.all("*", (c) => problem(c, 503, "the models are being loaded", { headers: { "retry-after": "2" } }));
  return app;
};
