import { parseArgs } from "node:util";
import { z } from "zod";
import { type Command, type OptionSchema, UsageError } from "./command.ts";

/** What the command line knows of one option. */
export interface CommandOption {
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
const withArticle = (allowed: string): string =>
  /^(integer|number|comma)/.test(allowed) ? `${allowed.startsWith("i") ? "an" : "a"} ${allowed}` : allowed;

const typeOf = (schema: JsonSchema): CommandOption["type"] => {
  const several = alternatives(schema);
  // Text says everything that another alternative would, so the schema's owner decides.
  if (several.some((one) => one.type === "string" && !one.enum && one.const === undefined)) return "string";
  if (several.length > 1) return "union";
  const { type } = several[0];
  if (type === "integer" || type === "number") return "number";
  return type === "boolean" ? "boolean" : type === "array" ? "list" : "string";
};

const entriesOf = (schema: JsonSchema): CommandOption["entries"] => {
  const [{ type, items }] = alternatives(schema);
  if (type !== "array") return undefined;
  const entries = typeOf(items ?? {});
  return entries === "number" || entries === "union" ? entries : "string";
};

/** Reads a command's options off its schema, in the schema's order. */
export const optionsOf = (
  schema: OptionSchema,
  short: Readonly<Record<string, string | undefined>> = {},
): CommandOption[] => {
  const { properties = {} } = z.toJSONSchema(schema, { unrepresentable: "any", io: "input" }) as {
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

/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
const distance = (a: string, b: string): number => {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array(b.length).fill(0)]);
  for (let j = 1; j <= b.length; j++) rows[0][j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const differ = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + differ);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
};

/** The name in `names` that `typed` was probably meant to be; undefined where none is near. */
export const nearestName = (typed: string, names: readonly string[]): string | undefined => {
  const scored = names.map((name) => ({
    name,
    edits: name.startsWith(typed) && typed.length > 2 ? 0 : distance(typed, name),
  })).sort((a, b) => a.edits - b.edits);
  const best = scored[0];
  return best && best.edits <= Math.max(1, Math.ceil(typed.length / 3)) ? best.name : undefined;
};

const demand = ({ flag, allowed }: CommandOption, received: string): UsageError =>
  new UsageError(`${flag} must be ${withArticle(allowed)}, received ${JSON.stringify(received)}`);

const numberOrText = (text: string): number | string =>
  text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;

const valueOf = (option: CommandOption, text: string): unknown => {
  if (option.type === "string") return text;
  if (option.type === "list") {
    const entries = text === "" ? [] : text.split(/(?<!\\),/).map((entry) => entry.replaceAll("\\,", ","));
    return option.entries === "string" ? entries : entries.map(numberOrText);
  }
  if (option.type === "boolean") {
    if (text !== "true" && text !== "false") throw demand(option, text);
    return text === "true";
  }
  const value = numberOrText(text);
  if (option.type === "number" && typeof value === "string") throw demand(option, text);
  return value;
};

const unknownFlag = (typed: string, options: readonly CommandOption[]): UsageError => {
  const meant = nearestName(typed, [...options.map(({ flag }) => flag), "--help", "--version"]);
  return new UsageError(`unknown option ${typed}${meant ? `; did you mean ${meant}?` : ""} (--help lists them)`);
};

/**
 * What was typed for each option: the text of its value, by key. A list that is given several times is one list; any other
 * repeated flag is an error.
 */
const readFlags = (
  args: readonly string[],
  options: readonly CommandOption[],
  positionals: readonly string[],
): Map<CommandOption, string> => {
  const config = Object.fromEntries(options.map(({ flag, short, type }) => [
    flag.slice(2),
    { type: type === "boolean" ? "boolean" as const : "string" as const, ...(short ? { short } : {}) },
  ]));
  const { tokens } = parseArgs({ args: [...args], options: config, strict: false, tokens: true });
  const typed = new Map<CommandOption, string>();
  const expected = positionals.map((key) => options.find((option) => option.key === key)!);
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      const option = expected.shift();
      if (!option) throw new UsageError(`unexpected argument ${JSON.stringify(token.value)}`);
      if (typed.has(option)) throw new UsageError(`${option.flag} is given twice`);
      typed.set(option, token.value);
      continue;
    }
    const named = options.find(({ flag }) => flag === `--${token.name}`);
    const negated = options.find(({ flag, type }) => type === "boolean" && token.name === `no-${flag.slice(2)}`);
    const option = named ?? negated;
    if (!option) throw unknownFlag(token.rawName, options);
    const earlier = typed.get(option);
    if (earlier !== undefined && option.type !== "list") throw new UsageError(`${option.flag} is given twice`);
    if (negated && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    const swallowed = !token.inlineValue && token.value?.startsWith("--");
    if (option.type !== "boolean" && (token.value === undefined || swallowed)) {
      throw new UsageError(`${option.flag} needs a value: ${withArticle(option.allowed)}`);
    }
    const value = token.value ?? String(!negated);
    typed.set(option, earlier === undefined ? value : `${earlier},${value}`);
  }
  return typed;
};

/**
 * Reads command-line arguments by an object schema: one `--kebab-case` flag a field, `--flag value` or `--flag=value`;
 * `--flag` and `--no-flag` for booleans; commas between the entries of a list (one within an entry is `\\,`), or the flag several times. A refinement of the schema says, as its
 * message, what is allowed.
 *
 * @returns the schema's output, defaults filled in
 * @throws {UsageError} if an argument is unknown, repeated, missing or outside what its field allows
 */
export const parse = <S extends OptionSchema>(
  args: readonly string[],
  schema: S,
  { short = {}, positionals = [] }: Pick<Command<S>, "short" | "positionals"> = {},
): z.output<S> => {
  const options = optionsOf(schema, short as Record<string, string>);
  const typed = readFlags(args, options, positionals);
  const values = Object.fromEntries([...typed].map(([option, text]) => [option.key, valueOf(option, text)]));
  const result = schema.safeParse(values);
  if (result.success) return result.data;

  const [issue] = result.error.issues;
  const option = options.find(({ key }) => key === issue.path[0]);
  if (!option) throw new UsageError(issue.message);
  const text = typed.get(option);
  if (issue.code === "custom") {
    const received = text ?? issue.params?.received ?? option.default;
    const shown = received === undefined ? "nothing" : JSON.stringify(String(received));
    throw new UsageError(`${option.flag} must be ${issue.message}, received ${shown}`);
  }
  if (text === undefined) throw new UsageError(`${option.flag} is required: ${option.description}`);
  throw demand(option, text);
};
