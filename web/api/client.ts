import { createStore } from "../state/store.ts";
import { fetchFromDevice, isDeviceOpen } from "./device.ts";

/** The models of a site without a server, which draws by itself; null where there is a server. */
export const SITE_MODELS: readonly string[] | null =
  document.querySelector<HTMLMetaElement>('meta[name="denoise-models"]')?.content.split(" ") ?? null;

/** A URL below where the page stands, which need not be the root of its host. */
export const serverUrl = (path: string): string =>
  new URL(path.replace(/^\//, ""), document.baseURI.split("#")[0]).href;

/** A URL of the API for whoever takes it along: of a site without a server, what a server of one's own would have. */
export const sharedUrl = (path: string): string =>
  SITE_MODELS === null ? serverUrl(path) : new URL(path, "http://127.0.0.1:8000").href;

/** One parameter that the server refused. */
interface Issue {
  readonly field: string;
  readonly received: unknown;
  readonly allowed: string;
}

/** What the server answers in the place of what was asked for (RFC 9457). */
export class Problem extends Error {
  override name = "Problem";

  constructor(
    readonly status: number,
    detail: string,
    readonly issues: readonly Issue[] = [],
    readonly requestId?: string,
    /** Seconds after which to try again. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/** The server could not be reached, or went away within its answer. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** Makes a problem of the body of one. */
export const problemOf = (
  body: { status?: number; detail?: string; errors?: Issue[]; requestId?: string } | null,
  status: number,
  retryAfter: string | null = null,
): Problem =>
  new Problem(
    body?.status ?? status,
    body?.detail ?? `the server answered ${status}`,
    body?.errors ?? [],
    body?.requestId,
    retryAfter === null || Number.isNaN(Number(retryAfter)) ? null : Number(retryAfter),
  );

/** Whether it is worth asking again once the server is ready: it was away, starting, stopping or its engine lost. */
export const isTransient = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof Problem && error.status === 503);

const KEY_NAME = "denoise-key";

/** The key that goes with every request, for as long as the tab is open; null without one. */
export const apiKey = createStore<string | null>(sessionStorage.getItem(KEY_NAME));

/** Why a key is asked for; null while none is. */
export const keyWanted = createStore<string | null>(null);

/** Keeps a key; null forgets it. */
export const setKey = (key: string | null): void => {
  if (key === null) sessionStorage.removeItem(KEY_NAME);
  else sessionStorage.setItem(KEY_NAME, key);
  apiKey.set(key);
  keyWanted.set(null);
};

/** What is asked with a request. */
export interface ServerRequestOptions {
  readonly method?: "GET" | "POST";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Training takes a server, whoever draws. */
const isForServer = (path: string): boolean => path.startsWith("/jobs");

/**
 * Asks the server, or this browser where it draws by itself.
 *
 * @throws {Problem} if it refuses; where it wants a key, one is asked for as well
 * @throws {Unreachable} if it does not answer
 */
export const sendRequest = async (
  path: string,
  { method, body, accept, signal, headers }: ServerRequestOptions = {},
): Promise<Response> => {
  const key = apiKey.value;
  const send = isDeviceOpen() && !isForServer(path)
    ? fetchFromDevice.bind(null, path)
    : (options: RequestInit) => fetch(serverUrl(path), options);
  const response = await send({
    method: method ?? (body === undefined ? "GET" : "POST"),
    signal,
    headers: {
      accept: accept ?? "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch((cause) => {
    if (signal?.aborted) throw cause;
    throw new Unreachable("the server does not answer", { cause });
  });
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  const problem = problemOf(answer, response.status, response.headers.get("retry-after"));
  if (problem.status === 401) {
    keyWanted.set(
      key === null ? "This server draws only for those who have a key." : "The server does not know that key.",
    );
  }
  throw problem;
};

/** Asks for JSON. */
export const requestJson = async <T>(path: string, options: ServerRequestOptions = {}): Promise<T> => {
  const response = await sendRequest(path, options);
  return await response.json().catch((cause) => {
    if (options.signal?.aborted) throw cause;
    throw new Unreachable("the answer broke off", { cause });
  });
};

/** One event of a stream. */
interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

const parseEvent = (block: string): ServerEvent | null => {
  let id = "";
  let type = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") id = value;
    else if (name === "event") type = value;
    else if (name === "data") data.push(value);
  }
  return data.length === 0 ? null : { id, type, data: JSON.parse(data.join("\n")) };
};

/**
 * The events of an answer as they come. This is what `EventSource` does, for requests with a body and a key.
 *
 * @throws {Problem} if the server refuses
 * @throws {Unreachable} if the stream breaks off
 */
export async function* serverEvents(path: string, options: ServerRequestOptions = {}): AsyncGenerator<ServerEvent> {
  const response = await sendRequest(path, { ...options, accept: "text/event-stream" });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { value, done } = await reader.read().catch((cause) => {
        if (options.signal?.aborted) throw cause;
        throw new Unreachable("the connection was lost", { cause });
      });
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
