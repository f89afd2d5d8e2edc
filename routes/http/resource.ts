/**
 * How every resource is mounted: its methods, keys, limits and refusals, and how it is described in OpenAPI, from the same
 * words. What a resource is about is its own file in routes/.
 */
import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { type ApiKey, requireRight, type Right } from "./rights.ts";
import { LIMITS } from "./limits.ts";
import { problem, problemSchema } from "./problem.ts";
import { refuseQuery, tooLarge } from "./read_input.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Bytes that the body may have. */
    maxBody?: number;
  }
}

/** Answers 405 to any method that no route before has taken. */
export const allowOnly = (app: OpenAPIHono, path: string, methods: readonly string[]): void => {
  const allow = methods.join(", ");
  app.all(path, (c) => problem(c, 405, `${c.req.method} is not allowed here, ${allow} is`, { headers: { allow } }));
};

const PROBLEM_DESCRIPTIONS = {
  400: "The body cannot be parsed",
  401: "A key is wanted, and none or a wrong one was sent",
  403: "The key lacks the right to this",
  404: "There is no such thing",
  406: "None of the formats that the request accepts is offered",
  409: "There is one of that name already, which differs",
  413: "The body is too large",
  415: "The body is of another type than is read here, or packed",
  422: "A parameter is unknown, malformed, or not possible with this model",
  429: "The queue is full, or this client has too many requests under way or sends wrong keys",
  500: "The server or its engine failed",
  503: "Nothing can be drawn now: the server is starting or stopping, or its engine is lost",
  504: "It was not done within timeoutSeconds",
} as const;

/** The statuses of problems that are described in OpenAPI. */
type ProblemStatus = keyof typeof PROBLEM_DESCRIPTIONS;

/** The header that every answer has. */
const requestIdHeader = z.object({
  "x-request-id": z.string().openapi({ description: "The request's own x-request-id, or one that was made up for it" }),
});

const retryAfterHeader = z.object({
  "retry-after": z.string().regex(/^\d+$/).openapi({ description: "Seconds after which to try again" }),
});
const challengeHeader = z.object({
  "www-authenticate": z.string().openapi({ description: "Bearer, and what was wrong" }),
});

const readableHeaders = z.object({
  accept: z.string().optional().openapi({ description: "The types that are read here, where it was of another" }),
  "accept-encoding": z.string().optional().openapi({ description: "identity, where it was packed" }),
});

const PROBLEM_HEADERS: Partial<Record<ProblemStatus, z.ZodObject>> = {
  401: challengeHeader,
  403: challengeHeader,
  415: readableHeaders,
  429: retryAfterHeader,
  503: retryAfterHeader,
};

/** How a problem stands in the OpenAPI description. */
export const problemResponse = (status: ProblemStatus, description: string = PROBLEM_DESCRIPTIONS[status]) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
  headers: PROBLEM_HEADERS[status] ? requestIdHeader.extend(PROBLEM_HEADERS[status].shape) : requestIdHeader,
});

/** Several problems by their status. */
export const problemResponses = (...statuses: readonly ProblemStatus[]) =>
  Object.fromEntries(statuses.map((status) => [status, problemResponse(status)]));

/** What one method of a resource does, and how it stands in the OpenAPI description. */
export interface Operation {
  /** Its name in the OpenAPI description, which generated clients call it by. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly request?: RouteConfig["request"];
  /** Its answers, apart from those that all operations have. */
  readonly responses: RouteConfig["responses"];
  /** The right that a key needs for it, where it is not the resource's. */
  readonly right?: Right;
  /** Bytes that a body may have. @default `LIMITS.bodyBytes` */
  readonly maxBody?: number;
  readonly answer: (c: Context) => Response | Promise<Response>;
}

type ResponseConfig = { readonly headers?: unknown };

/** The methods that a resource can have. */
type Method = "get" | "post" | "put" | "delete";

/** What all resources share. */
interface ResourceOptions {
  readonly keys: readonly ApiKey[];
  /** The right that a key needs; null is open to all. */
  readonly right: Right | null;
  readonly tag: string;
}

/** Refuses a body that says to be too large; one that does not say is let in, and broken off where it is read. */
const limitBody = (maxBody: number): MiddlewareHandler => async (c, next) => {
  if (Number(c.req.header("content-length") ?? 0) > maxBody) return problem(c, 413, tooLarge(maxBody));
  c.set("maxBody", maxBody);
  await next();
};

const withRequestId = (responses: RouteConfig["responses"]): RouteConfig["responses"] =>
  Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      if ("$ref" in response) return [status, response];
      const own = (response as ResponseConfig).headers;
      const headers = own instanceof z.ZodObject ? own.shape : {};
      return [status, { ...response, headers: requestIdHeader.extend(headers) }];
    }),
  );

/**
 * Mounts a resource and describes it in OpenAPI, from the same words. Other methods are answered with 405, parameters in a
 * query that takes none with 422.
 *
 * @param path as OpenAPI writes it: `/jobs/{id}`
 */
export const resource = (
  app: OpenAPIHono,
  path: string,
  operations: Partial<Record<Method, Operation>>,
  { keys, right, tag }: ResourceOptions,
): void => {
  const pattern = path.replaceAll(/{(\w+)}/g, ":$1");
  for (const [method, operation] of Object.entries(operations) as [Method, Operation][]) {
    const { id, summary, description, request, responses, maxBody = LIMITS.bodyBytes, answer } = operation;
    const needed = operation.right ?? right;
    const isGuarded = needed !== null && keys.length > 0;
    app.openAPIRegistry.registerPath({
      method,
      path,
      operationId: id,
      summary,
      description,
      tags: [tag],
      request,
      responses: withRequestId({
        ...responses,
        ...(isGuarded ? problemResponses(401, 403, 429) : {}),
        ...(responses[422] ? {} : problemResponses(422)),
      }),
      ...(isGuarded ? { security: [{ key: [] }] } : {}),
    });
    const handlers = [
      ...(needed === null ? [] : [requireRight(keys, needed)]),
      ...(method === "get" || method === "delete" ? [] : [limitBody(maxBody)]),
    ];
    app.on([method.toUpperCase()], [pattern], ...handlers, (c: Context) => {
      if (!request?.query) refuseQuery(c);
      return answer(c);
    });
  }
  const methods = Object.keys(operations).map((method) => method.toUpperCase());
  allowOnly(app, pattern, methods);
};
