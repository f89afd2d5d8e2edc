import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { ParameterError } from "../../serving/resolve.ts";
import { describeIssues } from "../issues.ts";
import { coerceText } from "./coerce.ts";

/** Where the parameters of a request may stand. */
export type Source = "query" | "json" | "form";

type Values = Record<string, unknown>;

const single = <T>(values: readonly T[]): T | readonly T[] => values.length === 1 ? values[0] : values;

const byName = <T>(entries: Iterable<[string, T]>): Map<string, T[]> => {
  const values = new Map<string, T[]>();
  for (const [name, value] of entries) {
    const own = values.get(name);
    if (own) own.push(value);
    else values.set(name, [value]);
  }
  return values;
};

const readQuery = (c: Context, schema: z.ZodObject): Values =>
  Object.fromEntries(
    byName(new URL(c.req.url).searchParams).entries().map(([name, texts]) => [
      name,
      single(texts.map((text) => coerceText(schema.shape[name] as z.ZodType, text))),
    ]),
  );

/** No request is nested deeper than this; what is could not even be said back. */
const DEEPEST = 16;

const isDeep = (value: unknown): boolean => {
  let level = [value];
  for (let depth = 0; depth < DEEPEST; depth++) {
    level = level.flatMap((part) => part !== null && typeof part === "object" ? Object.values(part) : []);
    if (level.length === 0) return false;
  }
  return true;
};

const readJson = async (c: Context): Promise<unknown> => {
  const text = await c.req.text();
  const value = (() => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new HTTPException(400, { message: `the body is no JSON: ${(cause as Error).message}`, cause });
    }
  })();
  if (isDeep(value)) throw new HTTPException(400, { message: `the body is nested more than ${DEEPEST} deep` });
  return value;
};

const readForm = async (c: Context, schema: z.ZodObject): Promise<Values> => {
  const form = await c.req.raw.formData().catch((cause) => {
    throw new HTTPException(400, { message: `the body is no multipart/form-data: ${cause.message}`, cause });
  });
  const read = async (name: string, value: File | string) =>
    typeof value === "string" ? coerceText(schema.shape[name] as z.ZodType, value) : await value.bytes();
  const fields = byName(form).entries().map(async ([name, values]) =>
    [name, single(await Promise.all(values.map((value) => read(name, value))))] as const
  );
  return Object.fromEntries(await Promise.all(fields));
};

const TYPES = { json: "application/json", form: "multipart/form-data" } as const;

const read = async (c: Context, schema: z.ZodObject, sources: readonly Source[]): Promise<unknown> => {
  if (sources.includes("query") && (c.req.method === "GET" || c.req.method === "HEAD")) return readQuery(c, schema);
  const type = c.req.header("content-type")?.split(";")[0].trim().toLowerCase();
  if (sources.includes("json") && type === TYPES.json) return await readJson(c);
  if (sources.includes("form") && type === TYPES.form) return await readForm(c, schema);
  const allowed = sources.flatMap((source) => source === "query" ? [] : [TYPES[source]]).join(" or ");
  throw new HTTPException(415, { message: `send the parameters as ${allowed}, received ${type ?? "no content-type"}` });
};

/**
 * Reads the parameters of a request and checks them against a strict schema: from the query of a GET, else from the body,
 * JSON or a form. Bytes of a form's file are a Uint8Array; one name given several times is a list.
 *
 * @throws {ParameterError} that lists every parameter in the way, unknown ones among them
 * @throws {HTTPException} 400 if the body cannot be parsed, 415 if it is of another type
 */
export const readInput = async <S extends z.ZodObject>(
  c: Context,
  schema: S,
  sources: readonly Source[],
): Promise<z.output<S>> => checkInput(await read(c, schema, sources), schema);

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
