import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { requireRight } from "./access/authorize.ts";
import type { ApiKey, Right } from "./access/keys.ts";
import { refuseQuery } from "./input/read_input.ts";
import { LIMITS } from "./limits.ts";
import { allowOnly } from "./method_not_allowed.ts";
import { problem } from "./problem.ts";
import { problemResponses, requestIdHeader } from "./responses.ts";

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
export type Method = "get" | "post" | "put" | "delete";

/** What all resources share. */
export interface ResourceOptions {
  readonly keys: readonly ApiKey[];
  /** The right that a key needs; null is open to all. */
  readonly right: Right | null;
  readonly tag: string;
}

const limitBody = (maxSize: number): MiddlewareHandler =>
  bodyLimit({ maxSize, onError: (c) => problem(c, 413, `a body may have ${maxSize} bytes here`) });

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
        ...(isGuarded ? problemResponses(401, 403) : {}),
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
