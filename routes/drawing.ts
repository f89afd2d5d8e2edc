/**
 * The resources that draw, and what tells of them: all that is there without a network, a disk or training too. The server
 * (app.ts) has them beside its own; a page that draws by itself has them alone.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { forwardOfDrawnTask, forwardTask } from "./drawing/forward.ts";
import { type DrawingDependencies, drawingResource } from "./drawing/resource.ts";
import { generateTask, img2imgTask, inpaintTask, interpolateTask, reconstructTask } from "./drawing/tasks.ts";
import { healthRoutes } from "./health.ts";
import { type ModelDependencies, modelRoutes } from "./models.ts";
import { predictionRoutes } from "./predictions.ts";
import { scheduleRoutes } from "./schedules.ts";

/** What draws images, each at the path of its name. */
export const DRAWING_TASKS = [generateTask, img2imgTask, inpaintTask, interpolateTask, reconstructTask, forwardTask];

/** Mounts them. */
export const drawingRoutes = (
  app: OpenAPIHono,
  { residentBytes, ...deps }: DrawingDependencies & ModelDependencies & {
    /** Memory of the process; null where nothing tells. */
    readonly residentBytes: () => number | null;
  },
): void => {
  drawingResource(app, "/generate", { get: generateTask, post: generateTask }, deps);
  drawingResource(app, "/img2img", { post: img2imgTask }, deps);
  drawingResource(app, "/inpaint", { post: inpaintTask }, deps);
  drawingResource(app, "/interpolate", { post: interpolateTask }, deps);
  drawingResource(app, "/reconstruct", { post: reconstructTask }, deps);
  drawingResource(app, "/forward", { get: forwardOfDrawnTask, post: forwardTask }, deps);
  predictionRoutes(app, DRAWING_TASKS, deps);
  modelRoutes(app, deps);
  scheduleRoutes(app, deps);
  healthRoutes(app, () => deps.serving, residentBytes);
};
