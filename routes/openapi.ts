import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiKey } from "./access/keys.ts";
import { allowOnly } from "./method_not_allowed.ts";

const DESCRIPTION = `Images from denoising diffusion models (DDPM, Ho et al. 2020).

Every error is answered as application/problem+json. Every answer has an x-request-id: the one that was sent, or one that
was made up. Answers with images say in their headers with what they were made: the same parameters give the same images.`;

/** `/openapi.json`: what all routes that were mounted before it take and answer. */
export const openapiRoute = (app: OpenAPIHono, { keys }: { keys: readonly ApiKey[] }): void => {
  if (keys.length > 0) {
    app.openAPIRegistry.registerComponent("securitySchemes", "key", {
      type: "http",
      scheme: "bearer",
      description: "A key of this server, with the right that the route needs",
    });
  }
  const document = JSON.stringify(app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: "denoise", version: "0.1.0", description: DESCRIPTION },
    servers: [{ url: "/" }],
  }));
  app.get("/openapi.json", (c) => c.body(document, 200, { "content-type": "application/json" }));
  allowOnly(app, "/openapi.json", ["GET"]);
};
