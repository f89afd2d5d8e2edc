import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ParameterIssue } from "../sampling/errors.ts";
import { STATUS_TEXT } from "./status_text.ts";

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
export interface Failure {
  readonly status: ContentfulStatusCode;
  /** One sentence. */
  readonly detail: string;
  readonly errors?: readonly ParameterIssue[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** The body that says what went wrong. */
export const problemBody = (
  { status, detail, errors }: Failure,
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
  { errors, headers = {} }: Pick<Failure, "errors" | "headers"> = {},
): Response =>
  c.body(JSON.stringify(problemBody({ status, detail, errors }, c.get("requestId"))), status, {
    ...headers,
    "content-type": "application/problem+json",
  });
