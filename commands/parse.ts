import { parseArgs } from "node:util";
import type { z } from "zod";
import type { Command, OptionSchema } from "./command.ts";
import { nearest } from "./nearest.ts";
import { type Option, optionsOf, withArticle } from "./options.ts";
import { UsageError } from "./usage_error.ts";

const demand = ({ flag, allowed }: Option, received: string): UsageError =>
  new UsageError(`${flag} must be ${withArticle(allowed)}, received ${JSON.stringify(received)}`);

const numberOrText = (text: string): number | string =>
  text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;

const valueOf = (option: Option, text: string): unknown => {
  if (option.type === "string") return text;
  if (option.type === "list") {
    const entries = text === "" ? [] : text.split(",");
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

const unknownFlag = (typed: string, options: readonly Option[]): UsageError => {
  const meant = nearest(typed, [...options.map(({ flag }) => flag), "--help"]);
  return new UsageError(`unknown option ${typed}${meant ? `; did you mean ${meant}?` : ""} (--help lists them)`);
};

/**
 * What was typed for each option: the text of its value, by key. A list that is given several times is one list; any other
 * repeated flag is an error.
 */
const readFlags = (
  args: readonly string[],
  options: readonly Option[],
  positionals: readonly string[],
): Map<Option, string> => {
  const config = Object.fromEntries(options.map(({ flag, short, type }) => [
    flag.slice(2),
    { type: type === "boolean" ? "boolean" as const : "string" as const, ...(short ? { short } : {}) },
  ]));
  const { tokens } = parseArgs({ args: [...args], options: config, strict: false, tokens: true });
  const typed = new Map<Option, string>();
  const places = positionals.map((key) => options.find((option) => option.key === key)!);
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      const place = places.shift();
      if (!place) throw new UsageError(`unexpected argument ${JSON.stringify(token.value)}`);
      if (typed.has(place)) throw new UsageError(`${place.flag} is given twice`);
      typed.set(place, token.value);
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
 * `--flag` and `--no-flag` for booleans; commas between the entries of a list, or the flag several times. A refinement of the schema says, as its
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
