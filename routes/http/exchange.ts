import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { BodyTimeoutError, CanceledError } from "./problem.ts";
import { withinRequestSpan } from "./telemetry.ts";

/** How long a client may take over its part of a request; all in seconds. */
export interface Deadlines {
  /** For the head of a request, from its first byte, or from the beginning of the connection. */
  readonly head: number;
  /** From an answer to the next request on its connection. */
  readonly idle: number;
  /** For the body of a request; each `bodyRate` bytes that come give it a second more. */
  readonly body: number;
  readonly bodyRate: number;
  /** For taking the next part of an answer, which is `PART` bytes or what there is. */
  readonly take: number;
  /** For the rest of a body that an answer did not wait for, until the connection is closed. */
  readonly rest: number;
}

/** The deadlines where nothing else is said: those of Apache for what comes, and those of nginx for what goes out. */
export const DEADLINES: Deadlines = { head: 20, idle: 75, body: 20, bodyRate: 500, take: 60, rest: 5 };

/** Bytes that are given to the system at a time, so that a client that takes an answer slowly is told from one that takes none. */
const PART = 64 * 2 ** 10;

/** The authority of a request that names none which could stand in a URL; no name ends so (RFC 6761). */
export const NOWHERE = "host.invalid";

type Events = Pick<NodeJS.EventEmitter, "once" | "off">;

/** Waits for one of these events, at most so many milliseconds; whether one came. */
const oneOf = (emitter: Events, names: readonly string[], milliseconds: number): Promise<boolean> =>
  new Promise((resolve) => {
    const end = (came: boolean) => {
      clearTimeout(timer);
      for (const name of names) emitter.off(name, onEvent);
      resolve(came);
    };
    const onEvent = () => end(true);
    const timer = setTimeout(() => end(false), milliseconds);
    for (const name of names) emitter.once(name, onEvent);
  });

/** A body as it comes. Time is counted while someone waits for it, and not while nobody reads. */
const bodyOf = (
  incoming: IncomingMessage,
  { body, bodyRate }: Deadlines,
  ends: number,
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let bytes = 0;
  let waited = 0;
  return new ReadableStream({
    pull: async (controller) => {
      while (true) {
        const chunk: Uint8Array<ArrayBuffer> | null = incoming.read();
        if (chunk !== null) {
          bytes += chunk.length;
          return controller.enqueue(chunk);
        }
        if (incoming.readableEnded) return controller.close();
        if (incoming.destroyed) throw new CanceledError("the client went away");
        const started = performance.now();
        const left = Math.min((body + bytes / bodyRate) * 1000 - waited, ends - started);
        if (left <= 0 || !await oneOf(incoming, ["readable", "end", "error", "close"], left)) {
          throw new BodyTimeoutError(`the body comes too slowly: ${bytes} bytes of it in the time that it may take`);
        }
        waited += performance.now() - started;
      }
    },
  }, { highWaterMark: 0 });
};

const canRequest = (url: string): boolean => {
  const { protocol, username, password } = URL.parse(url) ?? {};
  return /^https?:$/.test(protocol ?? "") && username === "" && password === "";
};

/** What a request's target and its host name, or nowhere where they name no place. */
const urlOf = ({ url = "/", headers }: IncomingMessage, address: string): string => {
  if (url !== "*" && !url.startsWith("/")) return canRequest(url) ? url : `http://${NOWHERE}/`;
  const path = url.startsWith("/") ? url : `/${url}`;
  const { host = address } = headers;
  return [`http://${host}${path}`, `http://${NOWHERE}${path}`].find(canRequest) ?? `http://${NOWHERE}/`;
};

/** Methods that a `Request` is not made with. */
const UNMADE = /^(CONNECT|TRACE|TRACK)$/;

const requestOf = (
  incoming: IncomingMessage,
  { address, signal, deadlines, ends }: { address: string; signal: AbortSignal; deadlines: Deadlines; ends: number },
): Request => {
  const { method = "GET", rawHeaders } = incoming;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i], rawHeaders[i + 1]);
  const isUnmade = UNMADE.test(method);
  const hasBody = method !== "GET" && method !== "HEAD" && !isUnmade;
  const request = new Request(urlOf(incoming, address), {
    method: isUnmade ? "GET" : method,
    headers,
    ...(hasBody ? { body: bodyOf(incoming, deadlines, ends) } : {}),
  });
  if (isUnmade) Object.defineProperty(request, "method", { value: method });
  // One that is made with a signal has another that follows it, at a third of what the whole exchange costs.
  return Object.defineProperty(request, "signal", { value: signal });
};

/** An answer's headers as Node takes them. */
const headersOf = ({ headers }: Response): Record<string, string | string[]> => {
  const cookies = headers.getSetCookie();
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 ? { "set-cookie": cookies } : {}) };
};

/** Whether an answer goes out as it comes: it tells proxies so, or its length is known without having it all. */
const isStream = ({ headers }: Response): boolean =>
  headers.get("x-accel-buffering") === "no" || headers.has("content-length");

/** Bytes that many answers share, as a body of one, which copies none of them; its answer has to say their length. */
export const sharedBody = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at += PART));
      else controller.close();
    },
  }, { highWaterMark: 0 });
};

/**
 * Sends an answer, to the last byte.
 *
 * @throws what its body failed of, or that the client took nothing of it in time
 */
const send = async (response: Response, outgoing: ServerResponse, { take }: Deadlines): Promise<void> => {
  const { status, body } = response;
  const headers = headersOf(response);
  const taken = async (name: "drain" | "finish") => {
    while (!await oneOf(outgoing, [name, "close"], take * 1000)) {
      // Until it is its turn on the connection, nobody could take it.
      if (outgoing.socket !== null) throw new Error("the client takes nothing of the answer");
    }
    if (outgoing.destroyed && !outgoing.writableFinished) throw new CanceledError("the client went away");
  };
  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += PART) {
      if (!outgoing.write(bytes.subarray(at, at + PART))) await taken("drain");
    }
  };
  if (outgoing.destroyed) return await body?.cancel();
  if (body === null || outgoing.req.method === "HEAD") {
    await body?.cancel();
    outgoing.writeHead(status, headers).end();
  } else if (isStream(response)) {
    outgoing.writeHead(status, headers).flushHeaders();
    const reader = body.getReader();
    // Whoever makes the texts is to stop, though nobody waits for the next one.
    outgoing.once("close", () => reader.cancel().catch(() => {}));
    for (let part = await reader.read(); !part.done; part = await reader.read()) await write(part.value);
    outgoing.end();
  } else {
    const bytes = await response.bytes();
    outgoing.writeHead(status, { ...headers, "content-length": bytes.length });
    const last = Math.floor(Math.max(0, bytes.length - 1) / PART) * PART;
    await write(bytes.subarray(0, last));
    outgoing.end(bytes.subarray(last));
  }
  // What the system has is as good as sent.
  if (outgoing.socket !== null && outgoing.socket.writableLength === 0) return;
  if (!outgoing.writableFinished) await taken("finish");
};

/** Takes what is left of a body for a while, since whoever still sends hears the answer only then; then hangs up. */
export const takeRest = async (incoming: IncomingMessage, { rest }: Deadlines): Promise<void> => {
  if (incoming.complete || incoming.destroyed) return;
  incoming.resume();
  if (!await oneOf(incoming, ["end", "close"], rest * 1000)) incoming.socket.destroy();
};

const addressOf = ({ remoteAddress = "", remotePort = 0 }: Socket): Deno.NetAddr => ({
  transport: "tcp",
  hostname: remoteAddress,
  port: remotePort,
});

/** What handles requests, as `Deno.serve` calls it. */
export type Handler = Deno.ServeHandler<Deno.NetAddr>;

/** Where and how requests are handled. */
export interface ExchangeOptions {
  /** Host and port of a request that names none. */
  readonly address: string;
  readonly deadlines: Deadlines;
  /** Seconds that a request may take in all, its body included. */
  readonly seconds: number;
}

/**
 * Lets a handler answer a request that Node has read the head of. What the client has to do, it has to do in time: send
 * the body, else reading it fails with a {@linkcode BodyTimeoutError}; and take the answer, else it is cut off.
 *
 * @returns when the answer is sent or cut off; part of the body may still be to come
 */
export const exchange = async (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handler: Handler,
  { address, deadlines, seconds }: ExchangeOptions,
): Promise<void> => {
  const { socket } = incoming;
  const gone = new AbortController();
  const completed = new Promise<void>((resolve, reject) => {
    outgoing.once("close", () => {
      if (outgoing.writableFinished) return resolve();
      const error = new CanceledError("the client went away");
      gone.abort(error);
      reject(error);
    });
  });
  completed.catch(() => {});
  const remoteAddr = addressOf(socket);
  try {
    const ends = performance.now() + seconds * 1000;
    const request = requestOf(incoming, { address, signal: gone.signal, deadlines, ends });
    const response = await withinRequestSpan(outgoing, () => handler(request, { remoteAddr, completed }));
    await send(response, outgoing, deadlines);
    await completed;
  } catch {
    // The handler has an answer to whatever goes wrong before there is one; of a half one, the rest is missing.
    outgoing.destroy();
  }
};
