import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { createGuesses } from "./guesses.ts";
import { measureHead } from "./head.ts";
import { refuseHost } from "./hosts.ts";
import { LIMITS } from "./limits.ts";
import type { Log, LogFields } from "./log.ts";
import { notFound, onError } from "./problem.ts";
import { refuseSite } from "./sites.ts";
import { nameRequestSpan } from "./telemetry.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** What a request that draws adds to its line: what it drew with. */
    drawn?: LogFields;
    /** Seconds that a request waited for the models to be loaded. */
    waited: number;
  }
}

/** What is known of a request beside itself. */
export interface Arrival extends Pick<Deno.ServeHandlerInfo, "remoteAddr" | "completed"> {
  /** Seconds that it waited for the models to be loaded. @default 0 */
  readonly waited?: number;
  /** Why it does not wait any longer, where they are not. */
  readonly refusal?: Error;
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
const accessLog = (log: Log, onAnswered: (answered: Answered) => void): MiddlewareHandler => async (c, next) => {
  const { remoteAddr, completed, waited = 0 } = c.env as Arrival;
  const started = performance.now() - waited * 1000;
  c.set("waited", waited);
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
    const client = c.get("key") ?? c.get("address");
    log.info("request", { id: c.get("requestId"), client, method, path, status, ms, outcome, ...drawn });
    onAnswered({ method, route, status, seconds });
  };
  completed.then(() => finish("sent"), () => finish("cut off"));
};

/**
 * What a page of this server may load: nothing from elsewhere, and no script or style that does not come as a file from
 * here.
 */
export const contentSecurityPolicy = (...more: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    ...more,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

/** What surrounds all routes. */
export interface FrameOptions {
  readonly log: Log;
  /** Names that the server goes by, beside those of loopback. @default none */
  readonly hosts?: readonly string[];
  /** Origins of pages elsewhere that may read answers; `*` is all. */
  readonly origins: readonly string[];
  /** Wrong keys that an address may send before it has to wait. @default `LIMITS.wrongKeys` */
  readonly wrongKeys?: number;
  readonly onAnswered?: (answered: Answered) => void;
}

/** Why a request is let in no further, whatever it asks for; null for one that is. */
export const refuse = (
  request: Request,
  { hosts = [], origins }: Pick<FrameOptions, "hosts" | "origins">,
): HTTPException | null => refuseHost(request, hosts) ?? refuseSite(request, origins);

/**
 * An application without routes: request ids, a log of requests, headers that keep browsers careful, and problems for all
 * that goes wrong.
 */
export const createFrame = (
  { log, hosts, origins, wrongKeys = LIMITS.wrongKeys, onAnswered = () => {} }: FrameOptions,
): OpenAPIHono => {
  const app = new OpenAPIHono();
  const guesses = createGuesses(wrongKeys);
  app.onError(onError(log));
  app.notFound(notFound);
  app.use(accessLog(log, onAnswered));
  app.use(requestId());
  app.use(async (c, next) => {
    c.set("guesses", guesses);
    await next();
  });
  app.use(measureHead);
  app.use(secureHeaders({
    // A route may say better what its page needs.
    overwrite: false,
    // Its own certificate is the business of what stands before this server.
    strictTransportSecurity: false,
    crossOriginResourcePolicy: origins.length === 0 ? "same-origin" : "cross-origin",
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  }));
  app.use(async (c, next) => {
    const refusal = refuse(c.req.raw, { hosts, origins });
    if (refusal) throw refusal;
    await next();
  });
  if (origins.length > 0) {
    app.use(cors({
      origin: origins.includes("*") ? "*" : [...origins],
      allowMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
      allowHeaders: ["accept", "authorization", "content-type", "last-event-id", "prefer", "x-request-id"],
      exposeHeaders: ["*"],
      maxAge: 600,
    }));
  }
  return app;
};
