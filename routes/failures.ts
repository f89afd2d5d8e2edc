import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { JobExistsError, JobMissingError, JobStateError, JobsUnavailableError } from "../jobs/jobs.ts";
import { StorageError } from "../jobs/storage/storage.ts";
import { ParameterError, ScheduleError } from "../sampling/errors.ts";
import {
  DeadlineError,
  EngineFailedError,
  ModelChangedError,
  ModelConflictError,
  ModelRefusedError,
  NoModelError,
  QueueFullError,
  UnavailableError,
} from "../serving/serving.ts";
import { TooManyRequestsError } from "./access/clients.ts";
import type { Log, LogFields } from "./access/log.ts";
import { type Failure, problem } from "./problem.ts";

const retryAfter = (seconds: number) => ({ "retry-after": String(Math.max(1, Math.ceil(seconds))) });

/** The server is stopping: what is under way is given up. */
export class StoppingError extends Error {
  override name = "StoppingError";
}

/** The client went away, or called its request off. */
export class CalledOffError extends Error {
  override name = "CalledOffError";
}

/** As many jobs wait as may. */
export class JobsFullError extends Error {
  override name = "JobsFullError";
  /** Seconds after which there may be room. */
  readonly retryAfter: number;

  constructor(message: string, { retryAfter }: { retryAfter: number }) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

const CONFLICTS = [JobExistsError, JobStateError, ModelConflictError];
const isConflict = (error: unknown): error is Error => CONFLICTS.some((kind) => error instanceof kind);

/** What an error says to the one whose request it ended; null for one that is nobody's request's fault. */
const failureOf = (error: unknown): Failure | null => {
  if (error instanceof ParameterError) return { status: 422, detail: error.message, errors: error.issues };
  if (error instanceof ScheduleError) return { status: 422, detail: error.message };
  if (error instanceof ModelRefusedError) return { status: 422, detail: error.message };
  if (isConflict(error)) return { status: 409, detail: error.message };
  if (error instanceof JobMissingError || error instanceof NoModelError) return { status: 404, detail: error.message };
  if (error instanceof JobsUnavailableError) {
    return { status: 503, detail: error.message, headers: retryAfter(5) };
  }
  if (error instanceof StorageError) return { status: 503, detail: error.message, headers: retryAfter(10) };
  if (error instanceof JobsFullError) {
    return { status: 429, detail: error.message, headers: retryAfter(error.retryAfter) };
  }
  if (error instanceof ModelChangedError) {
    return { status: 503, detail: `${error.message}: ask again`, headers: retryAfter(1) };
  }
  if (error instanceof QueueFullError) {
    return {
      status: 429,
      detail: `too many images are asked for: ${error.message}`,
      headers: retryAfter(error.retryAfter),
    };
  }
  if (error instanceof TooManyRequestsError) return { status: 429, detail: error.message, headers: retryAfter(1) };
  if (error instanceof DeadlineError) return { status: 504, detail: error.message };
  if (error instanceof UnavailableError) return { status: 503, detail: error.message, headers: retryAfter(30) };
  if (error instanceof StoppingError) return { status: 503, detail: "the server is stopping", headers: retryAfter(5) };
  if (error instanceof CalledOffError) return { status: 499 as 400, detail: error.message };
  if (error instanceof HTTPException) return { status: error.status as 400, detail: error.message };
  return null;
};

/** What is said of an error that `failureOf` does not know: nothing of it, since it may tell of the server. */
const unexpected = (error: unknown): Failure => ({
  status: 500,
  detail: error instanceof EngineFailedError
    ? "the engine failed on this request; it may succeed if it is made again"
    : "the server failed at this; its log says how, under the request's id",
});

/**
 * What an error says to the one whose request it ended. One that is nobody's request's fault is logged, and not shown.
 *
 * @param at the request's id, and what tells where it happened
 */
export const explain = (error: unknown, log: Log, at: LogFields): Failure => {
  const known = failureOf(error);
  if (known) return known;
  log.error("failed", { ...at, error: error instanceof Error ? error.stack ?? error.message : String(error) });
  return unexpected(error);
};

/** Turns whatever a route throws into a problem. */
export const onError = (log: Log): ErrorHandler => (error, c) => {
  const { method, path } = c.req;
  // A body that ends early fails somewhere below.
  if (c.req.raw.signal.aborted) error = new CalledOffError("the client went away");
  const { status, detail, errors, headers } = explain(error, log, { id: c.get("requestId"), method, path });
  return problem(c, status, detail, { errors, headers });
};

/** Answers 404 with a problem. */
export const notFound: NotFoundHandler = (c) =>
  problem(c, 404, `there is nothing at ${c.req.path}; GET / lists what there is`);
