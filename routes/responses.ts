import { z } from "@hono/zod-openapi";
import { problemSchema } from "./problem.ts";

const DESCRIPTIONS = {
  400: "The body cannot be parsed",
  401: "A key is wanted, and none or a wrong one was sent",
  403: "The key lacks the right to this",
  404: "There is no such thing",
  406: "None of the formats that the request accepts is offered",
  409: "There is one of that name already, which differs",
  413: "The body is too large",
  415: "The body is of another type than is read here",
  422: "A parameter is unknown, malformed, or not possible with this model",
  429: "The queue is full, or this client has too many requests under way",
  500: "The server or its engine failed",
  503: "Nothing can be drawn now: the server is starting or stopping, or its engine is lost",
  504: "It was not done within timeout_s",
} as const;

/** The statuses of problems that are described in OpenAPI. */
export type ProblemStatus = keyof typeof DESCRIPTIONS;

/** The header that every answer has. */
export const requestIdHeader = z.object({
  "x-request-id": z.string().openapi({ description: "The request's own x-request-id, or one that was made up for it" }),
});

const retryAfter = z.object({
  "retry-after": z.string().regex(/^\d+$/).openapi({ description: "Seconds after which to try again" }),
});
const challenge = z.object({ "www-authenticate": z.string().openapi({ description: "Bearer, and what was wrong" }) });

const HEADERS: Partial<Record<ProblemStatus, z.ZodObject>> = {
  401: challenge,
  403: challenge,
  429: retryAfter,
  503: retryAfter,
};

/** How a problem stands in the OpenAPI description. */
export const problemResponse = (status: ProblemStatus, description: string = DESCRIPTIONS[status]) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
  headers: HEADERS[status] ? requestIdHeader.extend(HEADERS[status].shape) : requestIdHeader,
});

/** Several problems by their status. */
export const problemResponses = (...statuses: readonly ProblemStatus[]) =>
  Object.fromEntries(statuses.map((status) => [status, problemResponse(status)]));
