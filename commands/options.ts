import { z } from "zod";
import type { OptionSchema } from "./command.ts";

/** What the command line knows of one option. */
export interface Option {
  /** The schema's field. */
  readonly key: string;
  /** The flag, as `--checkpoint-every`. */
  readonly flag: string;
  /** The one-letter flag without its dash. */
  readonly short?: string;
  readonly type: "boolean" | "number" | "string" | "union" | "list";
  /** What the entries of a list are. */
  readonly entries?: "number" | "string" | "union";
  /** What it takes, as "integer in [1, 1000]" or "one of ddpm, ddim". */
  readonly allowed: string;
  readonly description: string;
  readonly default?: unknown;
}

interface JsonSchema {
  type?: string | string[];
  anyOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  items?: JsonSchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  description?: string;
  default?: unknown;
}

/** `checkpointEvery` → `--checkpoint-every`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

const alternatives = (schema: JsonSchema): JsonSchema[] => {
  const listed = schema.anyOf ??
    (Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : [schema]);
  return listed.filter(({ type }) => type !== "null");
};

const rangeOf = (schema: JsonSchema): string => {
  const safe = (bound?: number) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : undefined;
  const [least, above] = [safe(schema.minimum), safe(schema.exclusiveMinimum)];
  const [most, below] = [safe(schema.maximum), safe(schema.exclusiveMaximum)];
  const [low, high] = [least ?? above, most ?? below];
  if (low !== undefined && high !== undefined) {
    return ` in ${least === undefined ? "(" : "["}${low}, ${high}${most === undefined ? ")" : "]"}`;
  }
  if (low !== undefined) return ` ${least === undefined ? ">" : "≥"} ${low}`;
  if (high !== undefined) return ` ${most === undefined ? "<" : "≤"} ${high}`;
  return "";
};

const allowedBy = (schema: JsonSchema): string => {
  const several = alternatives(schema);
  if (several.length > 1) return several.map(allowedBy).join(" or ");
  const [{ type, items, ...rest }] = several;
  if (rest.const !== undefined) return String(rest.const);
  if (rest.enum) return `one of ${rest.enum.join(", ")}`;
  if (type === "array") return `comma-separated list, each ${withArticle(allowedBy(items ?? {}))}`;
  if (type === "boolean") return "true or false";
  return type === "number" || type === "integer" ? `${type}${rangeOf(rest)}` : "text";
};

/** "integer ≥ 1" → "an integer ≥ 1"; lists of choices stay as they are. */
export const withArticle = (allowed: string): string =>
  /^(integer|number|comma)/.test(allowed) ? `${allowed.startsWith("i") ? "an" : "a"} ${allowed}` : allowed;

const typeOf = (schema: JsonSchema): Option["type"] => {
  const several = alternatives(schema);
  // Text says everything that another alternative would, so the schema's owner decides.
  if (several.some((one) => one.type === "string" && !one.enum && one.const === undefined)) return "string";
  if (several.length > 1) return "union";
  const { type } = several[0];
  if (type === "integer" || type === "number") return "number";
  return type === "boolean" ? "boolean" : type === "array" ? "list" : "string";
};

const entriesOf = (schema: JsonSchema): Option["entries"] => {
  const [{ type, items }] = alternatives(schema);
  if (type !== "array") return undefined;
  const entries = typeOf(items ?? {});
  return entries === "number" || entries === "union" ? entries : "string";
};

/** Reads a command's options off its schema, in the schema's order. */
export const optionsOf = (schema: OptionSchema, short: Readonly<Record<string, string | undefined>> = {}): Option[] => {
  const { properties = {} } = z.toJSONSchema(schema, { unrepresentable: "any" }) as {
    properties?: Record<string, JsonSchema>;
  };
  return Object.entries(properties).map(([key, field]) => ({
    key,
    flag: flagOf(key),
    short: short[key],
    type: typeOf(field),
    entries: entriesOf(field),
    allowed: allowedBy(field),
    description: field.description ?? "",
    default: field.default,
  }));
};
