import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import { defaultsOf } from "../sampling/parameters.ts";
import { firstPath } from "./examples.ts";
import { isUnchanged, refusesMatch } from "./http/conditions.ts";
import { contentSecurityPolicy } from "./http/frame.ts";
import type { Limits } from "./http/limits.ts";
import { notFound, problem } from "./http/problem.ts";
import { allowOnly } from "./http/resource.ts";

/** Blocks of the guided reading run in Workers that are made of their text; those may load no more than the page may. */
const POLICY = contentSecurityPolicy("font-src 'self'", "worker-src 'self' blob:");

/** The Workers that draw in the browser compile the wasm that they fetch from here; the page itself may not. */
const WORKER_POLICY = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'");

/** The page's files below `web/dist`, as `deno task page` built them, by the type that each is. */
const FILES = {
  "index.html": "text/html; charset=utf-8",
  "app.js": "text/javascript; charset=utf-8",
  "app.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "film.gif": "image/gif",
  "film.png": "image/png",
  "playground.js": "text/javascript; charset=utf-8",
  "paper.html": "text/html; charset=utf-8",
  "math.woff2": "font/woff2",
  "licences.txt": "text/plain; charset=utf-8",
  "app_worker.js": "text/javascript; charset=utf-8",
  "sampler_worker.js": "text/javascript; charset=utf-8",
  "codec_worker.js": "text/javascript; charset=utf-8",
  "tfjs-backend-wasm-simd.wasm": "application/wasm",
  "mozjpeg_dec.wasm": "application/wasm",
  "webp_dec.wasm": "application/wasm",
} as const;

/** A file that may be sent. */
interface FileSource {
  /** Below the program's own folder. */
  readonly path: string;
  readonly type: string;
}

const sourceOf = (name: keyof typeof FILES): FileSource => ({ path: `web/dist/${name}`, type: FILES[name] });

/** The pictures of the guided reading, which lie beside its text. */
const PICTURE = /^[a-z0-9][a-z0-9-]*\.svg$/;

/** Brotli's last tenth takes most of its time. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 7 } };

/** How a file may be packed, the smallest first; a browser says which it unpacks. */
const PACKERS = {
  br: (bytes: Uint8Array) => promisify(brotliCompress)(bytes, BROTLI),
  gzip: promisify(gzip),
  identity: (bytes: Uint8Array) => Promise.resolve(bytes),
} as const;

type Packing = keyof typeof PACKERS;

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What it is called by caches: the beginning of its SHA-256. */
  readonly digest: string;
}

const readFile = async (path: string): Promise<PageFile> => {
  const bytes = await Deno.readFile(new URL(`../${path}`, import.meta.url));
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return { bytes, digest: new Uint8Array(hash).toHex().slice(0, 12) };
};

/** The files, each read when it is first asked for. */
const fileCache = new Map<string, Promise<PageFile>>();

const readCached = (path: string): Promise<PageFile> => {
  const found = fileCache.get(path) ?? readFile(path);
  fileCache.set(path, found);
  found.catch(() => fileCache.delete(path));
  return found;
};

const packedCache = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

const pack = async (path: string, packing: Packing): Promise<Uint8Array<ArrayBuffer>> => {
  const { bytes } = await readCached(path);
  return new Uint8Array(await PACKERS[packing](bytes));
};

/** A file as it is sent; packed once. */
const packCached = (path: string, packing: Packing): Promise<Uint8Array<ArrayBuffer>> => {
  const key = `${packing} ${path}`;
  const found = packedCache.get(key) ?? pack(path, packing);
  packedCache.set(key, found);
  found.catch(() => packedCache.delete(key));
  return found;
};

const packingOf = (c: Context): Packing =>
  accepts(c, {
    header: "Accept-Encoding",
    supports: Object.keys(PACKERS),
    default: "identity",
    match: (ranges) => {
      const isTaken = (packing: string) => ranges.some(({ type, q }) => type === packing && q > 0);
      return Object.keys(PACKERS).find(isTaken) ?? "identity";
    },
  }) as Packing;

const YEAR = 31_536_000;

const answerFile = async (c: Context, { path, type }: FileSource, vary = "accept-encoding"): Promise<Response> => {
  const { digest } = await readCached(path);
  const packing = packingOf(c);
  const tag = `"${digest}-${packing}"`;
  const isForGood = c.req.query("v") === digest;
  const headers = {
    "content-security-policy": path.endsWith("_worker.js") ? WORKER_POLICY : POLICY,
    "content-type": type,
    "cache-control": isForGood ? `public, max-age=${YEAR}, immutable` : "no-cache",
    etag: tag,
    vary,
  };
  if (refusesMatch(c, tag)) return problem(c, 412, `if-match must be * or list ${tag}, which this is`);
  if (isUnchanged(c, tag)) return c.body(null, 304, headers);
  const encoding: Record<string, string> = packing === "identity" ? {} : { "content-encoding": packing };
  return c.body(await packCached(path, packing), 200, { ...headers, ...encoding });
};

/** Whether a browser asks: it takes HTML by name, which programs do not. */
export const wantsPage = (c: Context): boolean => /\btext\/html\b/i.test(c.req.header("accept") ?? "");

/** Answers with the page itself. */
export const answerPage = (c: Context): Promise<Response> =>
  answerFile(c, sourceOf("index.html"), "accept, accept-encoding");

/** `/page/…`: what the page is made of. Open to all, and there while the models are being loaded. */
export const pageFiles = (app: OpenAPIHono): void => {
  for (const name of Object.keys(FILES) as (keyof typeof FILES)[]) {
    if (name === "index.html") continue;
    app.get(`/page/${name}`, (c) => answerFile(c, sourceOf(name)));
    allowOnly(app, `/page/${name}`, ["GET"]);
  }
  app.get("/page/figures/:name", async (c, next) => {
    const name = c.req.param("name");
    if (!PICTURE.test(name)) return await next();
    return await answerFile(c, { path: `docs/figures/${name}`, type: "image/svg+xml" }).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return notFound(c);
      throw error;
    });
  });
};

/** `/`: the page for browsers, what can be asked as text for terminals. */
export const indexRoute = (
  app: OpenAPIHono,
  { serving, limits }: { serving: { readonly models: readonly ModelInfo[] }; limits: Pick<Limits, "images"> },
): void => {
  const describe = (model: ModelInfo) => {
    const { name, height, width, engine } = model;
    const { sampler, steps, guidance } = defaultsOf(model);
    const guided = guidance === 1 ? "" : `, guidance ${guidance}`;
    return `${name}, ${height}×${width}, on ${engine.name}: ${sampler} in ${steps} steps${guided}`;
  };
  app.get("/", (c) => {
    if (wantsPage(c)) return answerPage(c);
    const { models } = serving;
    const at = new URL(c.req.url).origin;
    const first = at + firstPath(models[0], limits);
    const more = first.includes("?") ? "&" : "?";
    return c.text(
      `denoise:
${models.map((model) => `  ${describe(model)}`).join("\n")}

to look at          curl -o a.png "${first}"
the same again      curl -o a.png "${first}${more}seed=7"
its film            curl -o a.gif "${first}${more}seed=7&format=gif"
the paper's sampler curl -o a.png "${at}/generate?sampler=ddpm&steps=${models[0].timesteps}"
while it is drawn   curl -N "${at}/generate?n=16&format=event-stream"
later               curl -H "Prefer: respond-async" "${at}/generate?n=16"
variants of one     curl -o b.png -F image=@a.png -F n=4 ${at}/img2img
what is loaded      curl ${at}/models
train a model       curl --json '{}' ${at}/jobs
serve what it made  curl --json '{"job": "JOB"}' ${at}/models
all there is        ${at}/docs, or curl ${at}/openapi.json
the page            ${at}/ in a browser
`,
      200,
      { vary: "accept" },
    );
  });
  allowOnly(app, "/", ["GET"]);
};
