import { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { accessLog, type Answered } from "./access/access_log.ts";
import type { Log } from "./access/log.ts";
import { notFound, onError } from "./failures.ts";

/** What surrounds all routes. */
export interface FrameOptions {
  readonly log: Log;
  /** Origins of pages elsewhere that may read answers; `*` is all. */
  readonly origins: readonly string[];
  readonly onAnswered?: (answered: Answered) => void;
}

/**
 * An application without routes: request ids, a log of requests, headers that keep browsers careful, and problems for all
 * that goes wrong.
 */
export const createFrame = ({ log, origins, onAnswered = () => {} }: FrameOptions): OpenAPIHono => {
  const app = new OpenAPIHono();
  app.onError(onError(log));
  app.notFound(notFound);
  app.use(accessLog(log, onAnswered));
  app.use(requestId());
  app.use(secureHeaders({
    // A route may say better what its page needs.
    overwrite: false,
    // Its own certificate is the business of what stands before this server.
    strictTransportSecurity: false,
    crossOriginResourcePolicy: origins.length === 0 ? "same-origin" : "cross-origin",
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  }));
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
