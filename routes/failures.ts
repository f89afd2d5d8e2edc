import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { JobExistsError } from "../jobs/jobs.ts";
import { ParameterError } from "../serving/resolve.ts";
import { QueueFullError } from "../serving/task.ts";
import { problem } from "./problem.ts";

/** Turns whatever a route throws into a problem. What is nobody's request's fault is logged, and not shown. */
export const onError = (stopping: AbortSignal): ErrorHandler => (error, c) => {
  const retry = { headers: { "retry-after": "5" } };
  if (error instanceof ParameterError) return problem(c, 422, error.message, { errors: error.issues });
  if (error.name === "ScheduleError") return problem(c, 422, error.message);
  if (error instanceof JobExistsError) return problem(c, 409, error.message);
  if (error instanceof QueueFullError) return problem(c, 503, `too many images are asked for: ${error.message}`, retry);
  if (error instanceof HTTPException && error.status === 415) {
    return problem(c, 415, "send the parameters as JSON, with content-type: application/json (curl --json does)");
  }
  if (error instanceof HTTPException) return problem(c, error.status as 400, error.message);
  if (stopping.aborted) return problem(c, 503, "the server is stopping", retry);
  if (c.req.raw.signal.aborted) return problem(c, 499 as 400, "the client went away");
  console.error(`error: ${c.req.method} ${c.req.path}: ${error.stack ?? error}`);
  return problem(c, 500, "the server failed at this; its log says how");
};

/** Answers 404 with a problem. */
export const notFound: NotFoundHandler = (c) =>
  problem(c, 404, `there is nothing at ${c.req.path}; GET / lists what there is`);
