import type { OpenAPIHono } from "@hono/zod-openapi";
// Read by path below; imported so that `deno install --entrypoint` fetches it.
import type {} from "swagger-ui-dist";
import { contentSecurityPolicy } from "./http/frame.ts";
import { sharedBody } from "./http/exchange.ts";
import { allowOnly } from "./http/resource.ts";

const POLICY = contentSecurityPolicy();

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>denoise: API</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui.js" defer></script>
<script src="docs/start.js" defer></script>
</head>
<body>
<div id="api"></div>
<noscript>This page needs scripts; <a href="openapi.json">openapi.json</a> says the same.</noscript>
</body>
</html>
`;

// Swagger UI fills every field of a form in, with the largest number where there is no default, and sends empty ones too.
const START = `const emptyForms = () => ({
  afterLoad({ fn }) {
    const { getSampleSchema } = fn;
    fn.getSampleSchema = (schema, type, ...rest) => {
      const { example, default: usual } = schema?.toJS?.() ?? schema ?? {};
      const isLeftOpen = type === false && example === undefined && usual === undefined;
      return isLeftOpen ? "" : getSampleSchema(schema, type, ...rest);
    };
  },
});

const dropEmpty = (request) => {
  const { body } = request;
  if (body instanceof FormData) {
    for (const [name, value] of [...body]) if (value === "") body.delete(name);
  }
  return request;
};

SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#api",
  plugins: [emptyForms],
  requestInterceptor: dropEmpty,
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** Files of swagger-ui-dist, by the name that the page asks for. */
const FILES = {
  "swagger-ui.css": { file: "swagger-ui.css", type: "text/css; charset=utf-8" },
  "swagger-ui.js": { file: "swagger-ui-bundle.js", type: "text/javascript; charset=utf-8" },
  "favicon.png": { file: "favicon-32x32.png", type: "image/png" },
} as const;

/** A day: the files change with the server's version alone. */
const CACHE = { "cache-control": "public, max-age=86400" };

/** `/docs`: the OpenAPI description as a page to read and try, all of it from this server. */
export const docsRoute = (app: OpenAPIHono): void => {
  app.get("/docs", (c) => c.html(PAGE, 200, { "content-security-policy": POLICY }));
  app.get("/docs/start.js", (c) => c.body(START, 200, { ...CACHE, "content-type": "text/javascript; charset=utf-8" }));
  for (const [name, { file, type }] of Object.entries(FILES)) {
    let bytes: Promise<Uint8Array<ArrayBuffer>> | undefined;
    const read = () => {
      bytes = Deno.readFile(new URL(import.meta.resolve(`swagger-ui-dist/${file}`)));
      // It may be that there were too many files open.
      bytes.catch(() => bytes = undefined);
      return bytes;
    };
    app.get(`/docs/${name}`, async (c) => {
      const file = await (bytes ?? read());
      return c.body(sharedBody(file), 200, { ...CACHE, "content-type": type, "content-length": String(file.length) });
    });
  }
  for (const path of ["", "/start.js", ...Object.keys(FILES).map((name) => `/${name}`)]) {
    allowOnly(app, `/docs${path}`, ["GET"]);
  }
};
