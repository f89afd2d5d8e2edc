import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { nameRequestSpan } from "../telemetry.ts";
import { clientOf } from "./clients.ts";
import type { Log, LogFields } from "./log.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** What a request that draws adds to its line: what it drew with. */
    drawn?: LogFields;
  }
}

/** A request that has been answered. */
export interface Answered {
  readonly method: string;
  /** The pattern that the path matched, as `/jobs/{id}`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/**
 * Logs each request once its answer has gone out, to the last byte or until the client went away.
 *
 * @param onAnswered is told of each too
 */
export const accessLog = (log: Log, onAnswered: (answered: Answered) => void): MiddlewareHandler => async (c, next) => {
  const started = performance.now();
  const { remoteAddr, completed } = c.env as Deno.ServeHandlerInfo;
  c.set("address", "hostname" in remoteAddr ? remoteAddr.hostname : remoteAddr.transport);
  await next();
  const { method, path } = c.req;
  const { status } = c.res;
  const route = routePath(c, -1).replace(/:(\w+)/g, "{$1}");
  nameRequestSpan(method, route);
  const finish = (outcome: "sent" | "cut off") => {
    const seconds = (performance.now() - started) / 1000;
    const ms = Math.round(seconds * 1e4) / 10;
    const drawn = c.get("drawn");
    log.info("request", { id: c.get("requestId"), client: clientOf(c), method, path, status, ms, outcome, ...drawn });
    onAnswered({ method, route, status, seconds });
  };
  completed.then(() => finish("sent"), () => finish("cut off"));
};
