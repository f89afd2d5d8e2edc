import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ParameterError } from "../../sampling/errors.ts";
import { CalledOffError } from "../failures.ts";
import { describeIssues } from "../issues.ts";
import { coerceText } from "./coerce.ts";
import { BODY_TYPES, parseBody, type ParsedBody } from "./parse_body.ts";

/** Where the parameters of a request may stand. */
export type Source = "query" | keyof typeof BODY_TYPES;

/** Values by name; one name that came several times has a list. */
const byName = <T>(entries: Iterable<readonly [string, T]>): Record<string, T | readonly T[]> => {
  const values = new Map<string, T[]>();
  for (const [name, value] of entries) {
    const own = values.get(name);
    if (own) own.push(value);
    else values.set(name, [value]);
  }
  return Object.fromEntries(values.entries().map(([name, own]) => [name, own.length === 1 ? own[0] : own]));
};

/** What entries of text, or of text and files, say of a schema's fields. */
const coerce = (entries: Iterable<readonly [string, string | Uint8Array]>, schema: z.ZodObject): unknown =>
  byName(
    [...entries].map(([name, value]) => {
      const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] as z.ZodType : undefined;
      return [name, typeof value === "string" ? coerceText(field, value) : value] as const;
    }),
  );

/** The whole body. It breaks off where its sender does, before the request's signal tells of it. */
const readBody = async (c: Context): Promise<Uint8Array<ArrayBuffer>> => {
  try {
    return new Uint8Array(await c.req.arrayBuffer());
  } catch (cause) {
    if (cause instanceof Deno.errors.BadResource) throw new CalledOffError("the client went away", { cause });
    throw cause;
  }
};

const read = async (
  c: Context,
  schema: z.ZodObject,
  sources: readonly Source[],
  parse: typeof parseBody,
): Promise<unknown> => {
  if (sources.includes("query") && (c.req.method === "GET" || c.req.method === "HEAD")) {
    return coerce(new URL(c.req.url).searchParams, schema);
  }
  const contentType = c.req.header("content-type");
  const type = contentType?.split(";")[0].trim().toLowerCase();
  const taken = sources.filter((source) => source !== "query");
  const source = taken.find((source) => BODY_TYPES[source] === type);
  if (source === undefined) {
    const allowed = taken.map((source) => BODY_TYPES[source]).join(" or ");
    const message = `send the parameters as ${allowed}, received ${type ?? "no content-type"}`;
    throw new HTTPException(415, { message });
  }
  const body: ParsedBody = await parse(source, await readBody(c), contentType!).catch((cause) => {
    if (cause.name === "SyntaxError") throw new HTTPException(400, { message: cause.message, cause });
    if (cause.name === "CodecTimeoutError") {
      throw new HTTPException(400, { message: "the body takes too long to parse", cause });
    }
    throw cause;
  });
  return body.type === "json" ? body.value : coerce(body.fields, schema);
};

/**
 * Reads the parameters of a request and checks them against a strict schema: from the query of a GET, else from the body,
 * JSON or a form. Bytes of a form's file are a Uint8Array; one name given several times is a list.
 *
 * @param options.parse parses the body, elsewhere if it may be long
 * @throws {ParameterError} that lists every parameter in the way, unknown ones among them
 * @throws {HTTPException} 400 if the body cannot be parsed, 415 if it is of another type
 * @throws {CalledOffError} if its sender went away within it
 */
export const readInput = async <S extends z.ZodObject>(
  c: Context,
  schema: S,
  sources: readonly Source[],
  { parse = parseBody }: { parse?: typeof parseBody } = {},
): Promise<z.output<S>> => checkInput(await read(c, schema, sources, parse), schema);

/** Checks what was read against a strict schema, as `readInput` does. */
export const checkInput = <S extends z.ZodType>(received: unknown, schema: S): z.output<S> => {
  const result = schema.safeParse(received);
  if (!result.success) throw new ParameterError(describeIssues(result.error.issues, received));
  return result.data;
};

/**
 * Refuses parameters in the query of a request that takes none there.
 *
 * @throws {ParameterError} that lists them
 */
export const refuseQuery = (c: Context): void => {
  const names = [...new Set(new URL(c.req.url).searchParams.keys())];
  if (names.length === 0) return;
  const allowed = c.req.method === "GET" || c.req.method === "HEAD"
    ? "absent: there is no such parameter here"
    : "absent: parameters stand in the body here";
  throw new ParameterError(names.map((field) => ({ field, received: c.req.query(field) ?? null, allowed })));
};
