import { OpenAPIHono, type z } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { Jobs } from "../jobs/jobs.ts";
import type { Sampler } from "../serving/client.ts";
import { notFound, onError } from "./failures.ts";
import { generateRoutes } from "./generate.ts";
import { healthRoutes } from "./health.ts";
import { indexRoute } from "./index.ts";
import { describeIssues } from "./issues.ts";
import { jobRoutes } from "./jobs.ts";
import { allowOnly } from "./method_not_allowed.ts";
import { problem } from "./problem.ts";

/** What the routes stand on. */
export interface AppDependencies {
  readonly sampler: Sampler;
  readonly jobs: Jobs;
  /** Options of `train` that may come over HTTP. */
  readonly trainingOptions: z.ZodObject;
  /** Aborts when the server stops: whatever is under way is given up. */
  readonly stopping: AbortSignal;
}

const MAX_BODY = 64 * 1024;

/** The HTTP application. Every error that it answers with is problem+json. */
export const createApp = ({ sampler, jobs, trainingOptions, stopping }: AppDependencies): OpenAPIHono => {
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return;
      const errors = describeIssues(result.error.issues, (result as { data?: unknown }).data);
      const detail = errors.map(({ field, received, allowed }) =>
        `${field} must be ${allowed}, received ${JSON.stringify(received)}`
      );
      return problem(c, 422, detail.join("; "), { errors });
    },
  });
  app.onError(onError(stopping));
  app.notFound(notFound);
  app.use(bodyLimit({ maxSize: MAX_BODY, onError: (c) => problem(c, 413, `a body may have ${MAX_BODY} bytes`) }));

  indexRoute(app, sampler);
  generateRoutes(app, { sampler, stopping });
  healthRoutes(app, { sampler });
  jobRoutes(app, { jobs, options: trainingOptions });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "denoise", version: "0.1.0", description: "Images from a denoising diffusion model" },
  });
  allowOnly(app, "/openapi.json", ["GET"]);
  return app;
};
