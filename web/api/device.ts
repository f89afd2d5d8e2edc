/**
 * The browser as its own server: the Worker of browser/app_worker.ts, asked as the server is asked. It is loaded when it
 * is wanted, and holds all that it needs: the server may go away then.
 */
import type { AnswerMessage, AskMessage, OpenedMessage, OpenMessage } from "../../browser/messages.ts";

/** A request as `fetch` takes it, as far as the page makes one. */
export interface DeviceRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

let worker: Worker | null = null;
let release = () => {};

/** A browser may stop a page that nobody looks at, unless it holds a lock. */
const holdPage = (): void => {
  const { promise, resolve } = Promise.withResolvers<void>();
  navigator.locks?.request("denoise", { mode: "shared" }, () => promise).catch(() => {});
  release = resolve;
};

/** Whether requests are answered here. */
export const isDeviceOpen = (): boolean => worker !== null;

/** Ends the Worker, and whatever it draws. */
export const closeDevice = (): void => {
  worker?.terminate();
  worker = null;
  release();
};

/**
 * Starts the Worker, and waits until its models are loaded.
 *
 * @param script URL of the Worker's module
 * @throws {Error} that says why it cannot draw here
 */
export const openDevice = async (script: string, message: OpenMessage): Promise<void> => {
  closeDevice();
  const opening = new Worker(script, { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  opening.onmessage = ({ data: { failure } }: MessageEvent<OpenedMessage>) =>
    failure === null ? resolve() : reject(new Error(failure));
  opening.onerror = ({ message }) => reject(new Error(message || "its program cannot be had"));
  opening.postMessage(message);
  try {
    await promise;
  } catch (cause) {
    opening.terminate();
    throw new Error(`This browser cannot draw: ${(cause as Error).message}`, { cause });
  }
  worker = opening;
  holdPage();
};

/**
 * Asks the Worker, as `fetch` asks a server.
 *
 * @param path with the query, from the root of the API
 * @throws {TypeError} if it fails before it answers; the signal's reason once it is aborted
 */
export const fetchFromDevice = (
  path: string,
  { method, headers, body = undefined, signal }: DeviceRequest,
): Promise<Response> => {
  const { port1: port, port2 } = new MessageChannel();
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  const fail = (reason: unknown) => {
    reject(reason);
    stream?.error(reason);
  };
  const leave = () => port.postMessage(null);
  const onAbort = () => {
    leave();
    fail(signal!.reason);
  };
  const open = (status: number, headers: [string, string][]) => {
    const hasBody = ![204, 205, 304].includes(status);
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller;
      },
      cancel: leave,
    });
    resolve(new Response(hasBody ? source : null, { status, headers }));
  };
  const end = (failure: string | null) => {
    port.close();
    signal?.removeEventListener("abort", onAbort);
    if (failure !== null) return fail(new TypeError(failure));
    try {
      stream?.close();
    } catch {
      // Whoever read it has left.
    }
  };
  port.onmessage = ({ data }: MessageEvent<AnswerMessage>) => {
    if ("status" in data) open(data.status, data.headers.map(([name, value]) => [name, value]));
    else if ("end" in data) end(data.failure);
    else if (!signal?.aborted) stream?.enqueue(data.chunk);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  worker!.postMessage({ path, method, headers, body: body ?? null } satisfies AskMessage, [port2]);
  return promise;
};
