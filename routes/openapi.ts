import { OpenAPIHono } from "@hono/zod-openapi";
import type { Serving } from "../serving/serving.ts";
import { allowOnly } from "./http/resource.ts";
import type { ApiKey } from "./http/rights.ts";
import { perModels } from "./models/per_models.ts";

const DESCRIPTION = `Images from denoising diffusion models (DDPM, Ho et al. 2020).

Every error is answered as application/problem+json. Every answer has an x-request-id: the one that was sent, or one that
was made up. Answers with images say in their headers with what they were made: the same parameters give the same images.`;

/**
 * `/openapi.json`: what the routes take and answer, which changes with the models.
 *
 * @param options.mount mounts the routes on an application
 */
export const openapiRoute = (
  app: OpenAPIHono,
  { keys, serving, mount }: {
    keys: readonly ApiKey[];
    serving: Pick<Serving, "models">;
    mount: (app: OpenAPIHono) => void;
  },
): void => {
  const document = perModels(serving, () => openApiDocument(mount, keys));
  // It takes a while, the first time most of all: no request is to wait for somebody else's.
  document();
  app.get("/openapi.json", (c) => c.body(document(), 200, { "content-type": "application/json" }));
  allowOnly(app, "/openapi.json", ["GET"]);
};

const openApiDocument = (mount: (app: OpenAPIHono) => void, keys: readonly ApiKey[]): string => {
  const described = new OpenAPIHono();
  mount(described);
  if (keys.length > 0) {
    described.openAPIRegistry.registerComponent("securitySchemes", "key", {
      type: "http",
      scheme: "bearer",
      description: "A key of this server, with the right that the route needs",
    });
  }
  return JSON.stringify(described.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "denoise",
      version: "0.1.0",
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://spdx.org/licenses/MIT.html" },
    },
    servers: [{ url: "/" }],
    // Operations that need a key say so themselves.
    security: [],
  }));
};
