import type { OpenAPIHono } from "@hono/zod-openapi";
import { DeadlineError } from "../serving/serving.ts";
import { createStartingApp } from "./app.ts";
import { DRAWING_TASKS } from "./drawing.ts";
import { type Arrival, type FrameOptions, refuse } from "./http/frame.ts";
import { keepLengthOpen } from "./http/head.ts";
import { CanceledError, StoppingError } from "./http/problem.ts";

/** What lets requests in from the moment that the server listens. */
export interface Entrance {
  readonly fetch: Deno.ServeHandler<Deno.NetAddr>;
  /** The models are loaded: whoever waits is answered by this application, and so is whoever comes. */
  open(app: OpenAPIHono): void;
  /** The models will not be loaded, or for nobody: whoever waits is refused. Nothing where they are loaded already. */
  fail(): void;
}

const DRAWING_PATHS = new Set(DRAWING_TASKS.map(({ name }) => `/${name}`));

/** Whether a request would draw, as far as its method and path tell. */
const draws = (method: string, path: string): boolean =>
  DRAWING_PATHS.has(path) || (method === "PUT" && /^\/predictions\/[^/]+$/.test(path));

/** Seconds that a request may wait: what its query says, where it could; what a body says is read later. */
const patience = (query: URLSearchParams, most: number): number => {
  const seconds = Number(query.get("timeoutSeconds") ?? most);
  return seconds > 0 && seconds < most ? seconds : most;
};

/**
 * Makes the entrance. While the models are being loaded, a request that would draw waits for them: as long as it may take,
 * and until its client goes away. All else is answered by the starting application.
 *
 * @param options.seconds that a request may take
 */
export const createEntrance = ({ seconds: most, ...options }: FrameOptions & { seconds: number }): Entrance => {
  let app = createStartingApp(options);
  let isOver = false;
  const over = Promise.withResolvers<void>();
  over.promise.catch(() => {});

  /** Waits for the models; gives what came in between. */
  const wait = async ({ signal }: Request, seconds: number): Promise<Error | undefined> => {
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new DeadlineError(`the models were not loaded in ${seconds * 1000} ms`)),
      seconds * 1000,
    );
    const onGone = () => reject(new CanceledError("the client went away"));
    signal.addEventListener("abort", onGone, { once: true });
    if (signal.aborted) onGone();
    try {
      await Promise.race([over.promise, ended]);
    } catch (error) {
      return error as Error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onGone);
    }
  };

  return {
    fetch: async (request, { remoteAddr, completed }) => {
      const arrived = performance.now();
      const url = URL.parse(request.url);
      const waits = !isOver && url !== null && draws(request.method, url.pathname) && !refuse(request, options);
      const refusal = waits ? await wait(request, patience(url.searchParams, most)) : undefined;
      const waited = waits ? (performance.now() - arrived) / 1000 : 0;
      const arrival: Arrival = { remoteAddr, completed, waited, refusal };
      return keepLengthOpen(request, await app.fetch(request, arrival));
    },
    open: (opened) => {
      app = opened;
      isOver = true;
      over.resolve();
    },
    fail: () => {
      isOver = true;
      over.reject(new StoppingError("the server is stopping"));
    },
  };
};
