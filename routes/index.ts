import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import { allowOnly } from "./method_not_allowed.ts";
import { answerPage, wantsPage } from "./page.ts";

/** `/`: the page for browsers, what can be asked as text for terminals. */
export const indexRoute = (app: OpenAPIHono, serving: { readonly models: readonly ModelInfo[] }): void => {
  const describe = ({ name, height, width, engine }: ModelInfo) => `${name}, ${height}×${width}, on ${engine.name}`;
  app.get("/", (c) => {
    if (wantsPage(c)) return answerPage(c);
    const { models } = serving;
    const at = new URL(c.req.url).origin;
    return c.text(
      `denoise: ${models.map(describe).join("; ")}

an image            curl -o a.png "${at}/generate?steps=${models[0].timesteps}"
a grid, faster      curl -o a.png "${at}/generate?n=16&sampler=ddim&steps=50&seed=7"
its film            curl -o a.gif "${at}/generate?n=16&sampler=ddim&steps=50&seed=7&format=gif"
while it is drawn   curl -N "${at}/generate?n=16&format=event-stream"
later               curl -H "Prefer: respond-async" "${at}/generate?n=16"
variants of one     curl -o b.png -F image=@a.png -F n=4 ${at}/img2img
what is loaded      curl ${at}/models
train a model       curl --json '{}' ${at}/jobs
serve what it made  curl --json '{"job": "JOB"}' ${at}/models
all there is        ${at}/docs, or curl ${at}/openapi.json
to look at          ${at}/ in a browser
`,
      200,
      { vary: "accept" },
    );
  });
  allowOnly(app, "/", ["GET"]);
};
