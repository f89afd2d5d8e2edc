/// <reference lib="deno.worker" />
/**
 * The program in a browser: a Worker that a page asks as it asks the server, by the same routes, which draw by the same
 * scheduler and sampler. What is a server's alone (training, files, measurements) is not here. Requests come as messages
 * (messages.ts); the engine has a Worker of its own (sampler_worker.ts), and so has the codec (codec_worker.ts), so that none holds up
 * another.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { createCodec } from "../routes/codec/codec.ts";
import { drawingRoutes } from "../routes/drawing.ts";
import { createClients } from "../routes/http/clients.ts";
import { type Arrival, createFrame } from "../routes/http/frame.ts";
import { LIMITS } from "../routes/http/limits.ts";
import { createLog } from "../routes/http/log.ts";
import { problem } from "../routes/http/problem.ts";
import { openapiRoute } from "../routes/openapi.ts";
import { createPredictionStore } from "../routes/predictions/store.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import { openServing } from "../serving/client.ts";
import type { MemoryFiles } from "./memory_files.ts";
import type { AnswerMessage, AskMessage, ModelAddress, ModelFile, OpenedMessage, OpenMessage } from "./messages.ts";

/** Where requests seem to come from and go to: a page asks itself. */
const HERE = "localhost";

const fetchOk = async (url: string, headers: HeadersInit): Promise<Response> => {
  const response = await fetch(url, { headers });
  if (response.ok) return response;
  throw new Error(`${new URL(url).pathname} cannot be had: the server answered ${response.status}`);
};

/** The files of a model, below a folder of its name. */
const fetchModel = async (
  { name, files }: ModelAddress,
  headers: HeadersInit,
): Promise<[path: string, bytes: Uint8Array<ArrayBuffer>][]> => {
  const list: readonly ModelFile[] = await (await fetchOk(files, headers)).json();
  return await Promise.all(list.map(async ({ path, href }) => {
    const response = await fetchOk(new URL(href, files).href, headers);
    return [`${name}/${path}`, new Uint8Array(await response.arrayBuffer())] as [string, Uint8Array<ArrayBuffer>];
  }));
};

const urlOf = (file: string): URL => new URL(file, import.meta.url);

/** The Workers' modules. The build marks them by what is in them, so that a browser keeps them for good. */
const [SAMPLER, CODEC] = ["./sampler_worker.js", "./codec_worker.js"].map(urlOf);

/** What is loaded when it is first needed, by when the server may be gone: it is fetched beforehand, to be kept. */
const KEPT = [CODEC, ...["./mozjpeg_dec.wasm", "./webp_dec.wasm"].map(urlOf)];

const keep = async (url: URL): Promise<void> => {
  await (await fetchOk(url.href, {})).arrayBuffer();
};

/** Loads the models and makes the application. */
const open = async ({ models, headers }: OpenMessage): Promise<OpenAPIHono> => {
  const kept = Promise.all(KEPT.map(keep));
  kept.catch(() => {});
  const files: MemoryFiles = new Map((await Promise.all(models.map((one) => fetchModel(one, headers)))).flat());
  const serving = await openServing(
    { models: models.map(({ name }) => name), engine: "wasm" },
    { script: SAMPLER, given: files, sharesMemory: false },
  );
  await kept;
  const log = createLog("error", (line) => console.error(line));
  const deps = {
    serving,
    limits: LIMITS,
    keys: [],
    log,
    sources: new WeakMap<ModelInfo, never>(),
    encoder: createCodec({ script: CODEC }),
    decoder: createCodec({ script: CODEC }),
    predictions: createPredictionStore(LIMITS),
    // A page is the only client, and ends with its Worker.
    clients: createClients(0),
    readers: createClients(0),
    stopping: new AbortController().signal,
    onStream: () => {},
    residentBytes: () => null,
  };
  const app = createFrame({ log, origins: [] });
  const mount = (app: OpenAPIHono) => drawingRoutes(app, deps);
  mount(app);
  openapiRoute(app, { keys: [], serving, mount });
  app.notFound((c) =>
    problem(c, 404, `there is nothing at ${c.req.path} in a browser: training and all that is kept take a server`)
  );
  return app;
};

const requestOf = ({ path, method, headers, body }: AskMessage, signal: AbortSignal): Request =>
  new Request(new URL(path, `http://${HERE}`), { method, headers, body, signal });

/** Answers a request on its port. */
const answer = async (app: OpenAPIHono, message: AskMessage, port: MessagePort): Promise<void> => {
  const gone = new AbortController();
  const sent = Promise.withResolvers<void>();
  sent.promise.catch(() => {});
  port.onmessage = () => gone.abort();
  const post = (answer: AnswerMessage, transfer: Transferable[] = []) => port.postMessage(answer, transfer);
  try {
    const arrival: Arrival = {
      remoteAddr: { transport: "tcp", hostname: HERE, port: 0 },
      completed: sent.promise,
    };
    const { status, headers, body } = await app.fetch(requestOf(message, gone.signal), arrival);
    post({ status, headers: [...headers] });
    const reader = (body ?? new Blob().stream()).getReader();
    gone.signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const chunk = new Uint8Array(part.value);
      post({ chunk }, [chunk.buffer]);
    }
    sent.resolve();
    post({ end: true, failure: null });
  } catch (error) {
    sent.reject(error);
    post({ end: true, failure: (error as Error).message });
  }
};

self.onmessage = async ({ data }: MessageEvent<OpenMessage>) => {
  try {
    const app = await open(data);
    self.onmessage = ({ data, ports }: MessageEvent<AskMessage>) => void answer(app, data, ports[0]);
    self.postMessage({ failure: null } satisfies OpenedMessage);
  } catch (error) {
    self.postMessage({ failure: (error as Error).message } satisfies OpenedMessage);
  }
};
