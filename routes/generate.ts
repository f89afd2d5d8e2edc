import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { tile } from "../formats/grid.ts";
import { toBytes } from "../formats/pixels.ts";
import { encodePng } from "../formats/png.ts";
import type { Sampler } from "../serving/client.ts";
import { type SamplingParameters, samplingParameters, samplingQuery } from "../serving/parameters.ts";
import { resolveSampling } from "../serving/resolve.ts";
import { allowOnly } from "./method_not_allowed.ts";
import { problemResponse } from "./problem.ts";

const responses = {
  200: {
    description: "The image; several as one grid",
    content: { "image/png": { schema: z.string().openapi({ type: "string", format: "binary" }) } },
    headers: z.object({
      "denoise-seed": z.string().openapi({ description: "Seed: the same request with it gives the same bytes" }),
      "denoise-sampler": z.string(),
      "denoise-steps": z.string(),
      "denoise-model": z.string(),
      "denoise-engine": z.string(),
      "server-timing": z.string().openapi({ description: "Time spent sampling, in milliseconds" }),
    }),
  },
  415: problemResponse("A body that is not JSON"),
  422: problemResponse("A parameter is unknown, malformed, or not possible with this model"),
  503: problemResponse("The queue is full, or the server is stopping"),
};

const get = createRoute({
  method: "get",
  path: "/generate",
  summary: "Draw images",
  request: { query: samplingQuery },
  responses,
});

const post = createRoute({
  method: "post",
  path: "/generate",
  summary: "Draw images, with the parameters in a JSON body",
  request: { body: { content: { "application/json": { schema: samplingParameters } }, required: true } },
  responses,
});

/** `/generate`: images from the preloaded model. Whatever ends the request takes its images out of the queue. */
export const generateRoutes = (
  app: OpenAPIHono,
  { sampler, stopping }: { sampler: Sampler; stopping: AbortSignal },
): void => {
  const answer = async (c: Context, parameters: SamplingParameters) => {
    const { info } = sampler;
    const sampling = resolveSampling(parameters, info);
    const started = performance.now();
    const signal = AbortSignal.any([c.req.raw.signal, stopping]);
    const values = await sampler.generate(sampling, { signal });
    const elapsed = performance.now() - started;

    const images = { data: toBytes(values), height: info.height, width: info.width, channels: info.channels };
    const png = encodePng(sampling.n === 1 ? images : tile(images));
    return c.body(png, 200, {
      "content-type": "image/png",
      "cache-control": "no-store",
      "denoise-seed": String(sampling.seed),
      "denoise-sampler": sampling.sampler,
      "denoise-steps": String(sampling.steps),
      "denoise-model": info.folder,
      "denoise-engine": info.engine.name,
      "server-timing": `sample;dur=${elapsed.toFixed(1)}`,
    });
  };

  app.openapi(get, (c) => answer(c, c.req.valid("query")));
  app.openapi(post, (c) => answer(c, c.req.valid("json")));
  allowOnly(app, "/generate", ["GET", "POST"]);
};
