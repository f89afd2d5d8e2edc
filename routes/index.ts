import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ModelInfo } from "../serving/model_info.ts";
import { allowOnly } from "./method_not_allowed.ts";

/** `/`: what can be asked, as text to read in a terminal. */
export const indexRoute = (app: OpenAPIHono, { info }: { info: ModelInfo }): void => {
  app.get("/", (c) => {
    const at = new URL(c.req.url).origin;
    return c.text(
      `denoise: ${info.folder}, ${info.height}×${info.width}, on ${info.engine.name}

an image         curl -o a.png "${at}/generate?steps=${info.timesteps}"
a grid, faster   curl -o a.png "${at}/generate?n=16&sampler=ddim&steps=50&seed=7"
what is loaded   curl ${at}/health
train a model    curl --json '{}' ${at}/jobs
all parameters   curl ${at}/openapi.json
`,
    );
  });
  allowOnly(app, "/", ["GET"]);
};
