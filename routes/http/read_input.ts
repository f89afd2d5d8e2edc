import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { concatBytes } from "../../formats/concat_bytes.ts";
import { ParameterError, type ParameterIssue } from "../../sampling/errors.ts";
import { BODY_TYPES, isLongText, type LongText, MOST_FIELDS, parseBody, type ParsedBody } from "./parse_body.ts";
import { CanceledError, UnsupportedBodyError } from "./problem.ts";

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * The value that a text stands for, in a query string or a form: the text itself where the field takes it, else the
 * number or truth value that it spells.
 */
const coerceText = (field: z.ZodType | undefined, text: string): unknown => {
  const accepts = (value: unknown) => field?.safeParse(value).success === true;
  // A bare "+" in a query string means a space.
  const plus = text.replaceAll(" ", "+");
  if (accepts(text) || field === undefined) return text;
  if (accepts(plus)) return plus;
  if (NUMBER.test(text)) return Number(text);
  return text === "true" || text === "false" ? text === "true" : text;
};

type Issue = z.core.$ZodIssue;

const boundText = (comparison: string, origin: string): string =>
  origin === "string" ? `text of length ${comparison}` : comparison;

const KIND_NAMES: Record<string, string> = {
  int: "an integer",
  number: "a number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

const allowedBy = (issue: Issue): string => {
  switch (issue.code) {
    case "invalid_type":
      return KIND_NAMES[issue.expected] ?? issue.expected;
    case "too_small":
      return boundText(`${issue.inclusive ? "≥" : ">"} ${issue.minimum}`, issue.origin);
    case "too_big":
      return boundText(`${issue.inclusive ? "≤" : "<"} ${issue.maximum}`, issue.origin);
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "invalid_format":
      // A schema may say it in better words than its pattern.
      if (!issue.message.startsWith("Invalid")) return issue.message;
      return issue.pattern ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`;
    case "invalid_union":
      if ("options" in issue && issue.options) return `one of ${issue.options.map(String).join(", ")}`;
      return [...new Set(issue.errors.flat().map(allowedBy))].join(" or ");
    case "unrecognized_keys":
      return "absent: no such parameter";
    default:
      return issue.message;
  }
};

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);

const LONGEST_TEXT = 100;

/** The most issues that are told. */
const MOST_ISSUES = 20;

/** What stands for bytes where a value is said back. */
const nameBytes = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return `a file of ${value.length} bytes`;
  return isLongText(value) ? `text of ${value.utf8.length} bytes` : value;
};

/** A value short enough to be said back: an uploaded image is named, not repeated. */
const shorten = (value: unknown): unknown => {
  if (typeof value === "string") {
    return (value.length <= LONGEST_TEXT ? value : `${value.slice(0, LONGEST_TEXT)}…`).toWellFormed();
  }
  const text = JSON.stringify(value, (_, part) => nameBytes(part)) ?? "null";
  return text.length <= 2 * LONGEST_TEXT ? JSON.parse(text) : `${text.slice(0, LONGEST_TEXT)}…`.toWellFormed();
};

/**
 * Text that no file, database or other program could be given: with a NUL in it, or half of a character (a surrogate
 * alone), which JSON can spell.
 */
const findBrokenText = (value: unknown, path: readonly PropertyKey[] = []): ParameterIssue[] => {
  if (typeof value === "string") {
    if (value.isWellFormed() && !value.includes("\0")) return [];
    const allowed = "text without NUL, and of whole characters (no surrogate alone)";
    return [{ field: path.join(".") || "body", received: shorten(value), allowed }];
  }
  // Numbers by the thousand are looked at no further.
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    typeof part === "number" ? [] : findBrokenText(part, [...path, key])
  );
};

const pathsOf = (issue: Issue): PropertyKey[][] =>
  issue.code === "unrecognized_keys"
    ? issue.keys.slice(0, MOST_ISSUES).map((key) => [...issue.path, key])
    : [issue.path];

/** What a schema found wrong with an input, parameter by parameter. */
const describeIssues = (issues: readonly Issue[], input: unknown): ParameterIssue[] =>
  issues.slice(0, MOST_ISSUES).flatMap((issue) =>
    pathsOf(issue).map((path) => ({
      field: String(shorten(path.join("."))) || "body",
      received: shorten(valueAt(input, path) ?? null),
      allowed: allowedBy(issue),
    }))
  ).slice(0, MOST_ISSUES);

/** Where the parameters of a request may stand. */
export type InputSource = "query" | keyof typeof BODY_TYPES;

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
const coerce = (
  entries: Iterable<readonly [string, string | LongText | Uint8Array]>,
  schema: z.ZodObject,
): unknown =>
  byName(
    [...entries].map(([name, value]) => {
      const field = Object.hasOwn(schema.shape, name) ? schema.shape[name] as z.ZodType : undefined;
      return [name, typeof value === "string" ? coerceText(field, value) : value] as const;
    }),
  );

const readQuery = (c: Context): URLSearchParams => {
  const query = new URL(c.req.url).searchParams;
  if (query.size <= MOST_FIELDS) return query;
  throw new HTTPException(400, { message: `a query may have ${MOST_FIELDS} parameters, this one has ${query.size}` });
};

/** What is said of a body that is too large. */
export const tooLarge = (most: number): string => `a body may have ${most} bytes here`;

/** Reads a body up to its end; one that is longer than it may be, or wanted no more, is left where that is noticed. */
const readAll = async (body: ReadableStream<Uint8Array>, most: number, signal?: AbortSignal): Promise<Uint8Array[]> => {
  const reader = body.getReader();
  const leave = () => reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", leave, { once: true });
  const chunks: Uint8Array[] = [];
  try {
    for (let size = 0;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return chunks;
      size += value.length;
      if (size > most) throw new HTTPException(413, { message: tooLarge(most) });
      chunks.push(value);
    }
  } catch (error) {
    leave();
    throw error;
  } finally {
    signal?.removeEventListener("abort", leave);
  }
};

/**
 * The whole body.
 *
 * @param signal aborts when it is wanted no more
 * @throws {HTTPException} 413 if it is longer than `resource` lets it be
 * @throws {CanceledError} if its sender went away within it
 */
export const readBody = async (c: Context, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> => {
  try {
    return concatBytes(await readAll(c.req.raw.body ?? new Blob().stream(), c.get("maxBody") ?? Infinity, signal));
  } catch (cause) {
    // It breaks off where its sender does, before the request's signal tells of it.
    if ((cause as Error).name === "BadResource") throw new CanceledError("the client went away", { cause });
    throw cause;
  }
};

/** How a body is read: parsed on this thread, and wanted as long as its connection lasts, unless it is said otherwise. */
export interface ReadOptions {
  /** Parses it, elsewhere where it may be long. */
  readonly parse?: (...body: Parameters<typeof parseBody>) => ParsedBody | Promise<ParsedBody>;
  /** Aborts when it is wanted no more. */
  readonly signal?: AbortSignal;
}

const readRaw = async (
  c: Context,
  schema: z.ZodObject,
  sources: readonly InputSource[],
  { parse = parseBody, signal }: ReadOptions,
): Promise<unknown> => {
  if (sources.includes("query") && (c.req.method === "GET" || c.req.method === "HEAD")) {
    return coerce(readQuery(c), schema);
  }
  const encoding = c.req.header("content-encoding")?.trim() || "identity";
  if (encoding.toLowerCase() !== "identity") {
    const message = `send the body as it is: content-encoding must be identity, received ${JSON.stringify(encoding)}`;
    throw new UnsupportedBodyError(message, { headers: { "accept-encoding": "identity" } });
  }
  const contentType = c.req.header("content-type");
  const type = contentType?.split(";")[0].trim().toLowerCase();
  const taken = sources.filter((source) => source !== "query");
  const source = taken.find((source) => BODY_TYPES[source] === type);
  if (source === undefined) {
    const types = taken.map((source) => BODY_TYPES[source]);
    const message = `send the parameters as ${types.join(" or ")}, received ${type ?? "no content-type"}`;
    throw new UnsupportedBodyError(message, { headers: { accept: types.join(", ") } });
  }
  const bytes = await readBody(c, signal);
  try {
    const body = await parse(source, bytes, contentType!);
    return body.type === "json" ? body.value : coerce(body.fields, schema);
  } catch (cause) {
    const { name, message } = cause as Error;
    if (name === "SyntaxError") throw new HTTPException(400, { message, cause });
    if (name === "CodecTimeoutError") {
      throw new HTTPException(400, { message: "the body takes too long to parse", cause });
    }
    throw cause;
  }
};

/**
 * Reads the parameters of a request and checks them against a strict schema: from the query of a GET, else from the body,
 * JSON or a form. Bytes of a form's file are a Uint8Array; one name given several times is a list.
 *
 * @throws {ParameterError} that lists every parameter in the way, unknown ones among them
 * @throws {HTTPException} 400 if the body cannot be parsed, or the query has too many parameters; 413 if it is too large
 * @throws {UnsupportedBodyError} if it is of another type, or packed
 * @throws {CanceledError} if its sender went away within it
 */
export const readInput = async <S extends z.ZodObject>(
  c: Context,
  schema: S,
  sources: readonly InputSource[],
  options: ReadOptions = {},
): Promise<z.output<S>> => checkInput(await readRaw(c, schema, sources, options), schema);

/** Checks what was read against a strict schema, as `readInput` does. */
export const checkInput = <S extends z.ZodType>(received: unknown, schema: S): z.output<S> => {
  const result = schema.safeParse(received);
  if (!result.success) throw new ParameterError(describeIssues(result.error.issues, received));
  const broken = findBrokenText(result.data).slice(0, MOST_ISSUES);
  if (broken.length > 0) throw new ParameterError(broken);
  return result.data;
};

/**
 * Refuses parameters in the query of a request that takes none there.
 *
 * @throws {ParameterError} that lists them
 * @throws {HTTPException} 400 if there are too many
 */
export const refuseQuery = (c: Context): void => {
  const values = new Map(readQuery(c));
  if (values.size === 0) return;
  const allowed = c.req.method === "GET" || c.req.method === "HEAD"
    ? "absent: there is no such parameter here"
    : "absent: parameters stand in the body here";
  throw new ParameterError(Array.from(values, ([field, value]) => ({ field, received: shorten(value), allowed })));
};
