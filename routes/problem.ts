import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "@hono/zod-openapi";
import type { ParameterIssue } from "../serving/resolve.ts";

/** The body of every error answer (RFC 9457). */
export const problemSchema = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.object({
    field: z.string().describe("Name of the parameter"),
    received: z.unknown(),
    allowed: z.string().describe("What it must be"),
  })).optional(),
}).openapi("Problem");

const titles: Record<number, string> = {
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  499: "Client Closed Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Answers with a problem: a status, one sentence on what is wrong, and the parameters that are. */
export const problem = (
  c: Context,
  status: ContentfulStatusCode,
  detail: string,
  { errors, headers = {} }: { errors?: readonly ParameterIssue[]; headers?: Record<string, string> } = {},
): Response =>
  c.body(JSON.stringify({ type: "about:blank", title: titles[status] ?? "Error", status, detail, errors }), status, {
    ...headers,
    "content-type": "application/problem+json",
  });

/** How a problem stands in the OpenAPI description. */
export const problemResponse = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: problemSchema } },
});
