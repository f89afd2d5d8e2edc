import { z } from "@hono/zod-openapi";
import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { JobExistsError, JobMissingError, JobStateError, JobsUnavailableError } from "../../jobs/jobs.ts";
import { StorageError } from "../../jobs/storage/storage.ts";
import { NonFiniteImageError, ParameterError, type ParameterIssue, ScheduleError } from "../../sampling/errors.ts";
import {
  DeadlineError,
  EngineFailedError,
  ModelChangedError,
  ModelConflictError,
  ModelRefusedError,
  NoModelError,
  QueueFullError,
  UnavailableError,
} from "../../serving/serving.ts";
import { CodecTimeoutError } from "../codec/codec.ts";
import { TooManyRequestsError } from "./clients.ts";
import type { Log, LogFields } from "./log.ts";

/** The reason phrases of the statuses that problems have (RFC 9110, section 15). */
const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  499: "Client Closed Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** The body of every error answer (RFC 9457). */
export const problemSchema = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  requestId: z.string().optional().openapi({
    description: "The request's id, as in the header x-request-id and the log",
  }),
  errors: z.array(z.object({
    field: z.string().openapi({ description: "Name of the parameter" }),
    received: z.unknown(),
    allowed: z.string().openapi({ description: "What it must be" }),
  })).optional().openapi({ description: "The parameters that are in the way" }),
}).openapi("Problem", {
  example: {
    type: "about:blank",
    title: "Unprocessable Content",
    status: 422,
    detail: "n must be ≥ 1, received 0",
    requestId: "7c4ee3f0-3a35-4a4c-9a52-6bd2e1d9f1b0",
    errors: [{ field: "n", received: 0, allowed: "≥ 1" }],
  },
});

/** What went wrong with a request, before it is put into an answer. */
export interface ProblemDetails {
  readonly status: ContentfulStatusCode;
  /** One sentence. */
  readonly detail: string;
  readonly errors?: readonly ParameterIssue[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** The body that says what went wrong. */
export const problemBody = (
  { status, detail, errors }: ProblemDetails,
  requestId?: string,
): z.output<typeof problemSchema> => ({
  type: "about:blank",
  title: STATUS_TEXT[status] ?? "Error",
  status,
  detail,
  requestId,
  errors: errors?.map((issue) => ({ ...issue })),
});

/** Answers with a problem: a status, one sentence on what is wrong, and the parameters that are. */
export const problem = (
  c: Context,
  status: ContentfulStatusCode,
  detail: string,
  { errors, headers = {} }: Pick<ProblemDetails, "errors" | "headers"> = {},
): Response =>
  c.body(JSON.stringify(problemBody({ status, detail, errors }, c.get("requestId"))), status, {
    ...headers,
    "content-type": "application/problem+json",
  });

const retryAfter = (seconds: number) => ({ "retry-after": String(Math.max(1, Math.ceil(seconds))) });

/** The server is stopping: what is under way is given up. */
export class StoppingError extends Error {
  override name = "StoppingError";
}

/** The client went away, or canceled its request. */
export class CanceledError extends Error {
  override name = "CanceledError";
}

/** The body did not come in the time that it may take. */
export class BodyTimeoutError extends Error {
  override name = "BodyTimeoutError";
}

/** The body is of a type, or packed in a way, that is not read here. */
export class UnsupportedBodyError extends Error {
  override name = "UnsupportedBodyError";
  /** What says which would be read. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(message: string, { headers }: { headers: Readonly<Record<string, string>> }) {
    super(message);
    this.headers = headers;
  }
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

/** Whether something failed because the process, or the system, has as many files and connections open as it may. */
const lacksFiles = (error: unknown): boolean =>
  error instanceof Error &&
  (/^E[MN]FILE$/.test(String((error as { code?: unknown }).code)) || /too many open files/i.test(error.message) ||
    lacksFiles(error.cause));

const CONFLICTS = [JobExistsError, JobStateError, ModelConflictError];
const isConflict = (error: unknown): error is Error => CONFLICTS.some((kind) => error instanceof kind);

/** What an error says to the one whose request it ended; null for one that says more of the server than of the request. */
const knownDetails = (error: unknown): ProblemDetails | null => {
  if (lacksFiles(error)) {
    return { status: 503, detail: "the server has as many files open as it may", headers: retryAfter(5) };
  }
  if (error instanceof BodyTimeoutError) {
    return { status: 408, detail: error.message, headers: { connection: "close" } };
  }
  if (error instanceof ParameterError) return { status: 422, detail: error.message, errors: error.issues };
  if (error instanceof ScheduleError) return { status: 422, detail: error.message };
  if (error instanceof NonFiniteImageError) return { status: 500, detail: error.message };
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
      detail: `too much is asked for: ${error.message}`,
      headers: retryAfter(error.retryAfter),
    };
  }
  if (error instanceof TooManyRequestsError) {
    return { status: 429, detail: error.message, headers: retryAfter(error.retryAfter) };
  }
  if (error instanceof CodecTimeoutError) {
    return {
      status: 504,
      detail: `the answer takes too long to encode: ${error.message}; ask for fewer images or frames`,
    };
  }
  if (error instanceof DeadlineError) return { status: 504, detail: error.message };
  if (error instanceof UnavailableError) return { status: 503, detail: error.message, headers: retryAfter(30) };
  if (error instanceof StoppingError) return { status: 503, detail: "the server is stopping", headers: retryAfter(5) };
  if (error instanceof CanceledError) return { status: 499 as 400, detail: error.message };
  if (error instanceof UnsupportedBodyError) return { status: 415, detail: error.message, headers: error.headers };
  if (error instanceof HTTPException) return { status: error.status as 400, detail: error.message };
  return null;
};

/** What is said of an error that `knownDetails` does not know: nothing of it, since it may tell of the server. */
const unexpectedDetails = (error: unknown): ProblemDetails => ({
  status: 500,
  detail: error instanceof EngineFailedError
    ? "the engine failed on this request; it may succeed if it is made again"
    : "the server failed at this; its log says how, under the request's id",
});

/**
 * What an error says to the one whose request it ended. One that is the server's or the model's fault is logged; what the
 * server failed of is not shown.
 *
 * @param at the request's id, and what tells where it happened
 */
export const problemDetails = (error: unknown, log: Log, at: LogFields): ProblemDetails => {
  const known = knownDetails(error);
  if (known?.status === 500) log.error("failed", { ...at, error: known.detail });
  if (known) return known;
  log.error("failed", { ...at, error: error instanceof Error ? error.stack ?? error.message : String(error) });
  return unexpectedDetails(error);
};

/** Turns whatever a route throws into a problem. */
export const onError = (log: Log): ErrorHandler => (error, c) => {
  const { method, path } = c.req;
  // A body that ends early fails somewhere below.
  if (c.req.raw.signal.aborted) error = new CanceledError("the client went away");
  const { status, detail, errors, headers } = problemDetails(error, log, { id: c.get("requestId"), method, path });
  return problem(c, status, detail, { errors, headers });
};

/** Answers 404 with a problem. */
export const notFound: NotFoundHandler = (c) =>
  problem(c, 404, `there is nothing at ${c.req.path}; GET / lists what there is`);
