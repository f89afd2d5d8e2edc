import type { z } from "@hono/zod-openapi";
import type { ParameterIssue } from "../sampling/errors.ts";

type Issue = z.core.$ZodIssue;

const bound = (comparison: string, origin: string): string =>
  origin === "string" ? `text of length ${comparison}` : comparison;

const kinds: Record<string, string> = {
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
      return kinds[issue.expected] ?? issue.expected;
    case "too_small":
      return bound(`${issue.inclusive ? "≥" : ">"} ${issue.minimum}`, issue.origin);
    case "too_big":
      return bound(`${issue.inclusive ? "≤" : "<"} ${issue.maximum}`, issue.origin);
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "invalid_format":
      // A schema may say it in better words than its pattern.
      if (!issue.message.startsWith("Invalid")) return issue.message;
      return issue.pattern ? `text that matches ${issue.pattern}` : `a valid ${issue.format}`;
    case "invalid_union":
      return [...new Set(issue.errors.flat().map(allowedBy))].join(" or ");
    case "unrecognized_keys":
      return "absent: no such parameter";
    default:
      return issue.message;
  }
};

const at = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);

const LONGEST = 100;

/** A value short enough to be said back: an uploaded image is named, not repeated. */
const shorten = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return `a file of ${value.length} bytes`;
  if (typeof value === "string") return value.length <= LONGEST ? value : `${value.slice(0, LONGEST)}…`;
  if (Array.isArray(value) && value.some((entry) => entry instanceof Uint8Array)) return value.map(shorten);
  const text = JSON.stringify(value) ?? "";
  return text.length <= 2 * LONGEST ? value : `${text.slice(0, LONGEST)}…`;
};

/** The most issues that are told. */
const MOST = 20;

const pathsOf = (issue: Issue): PropertyKey[][] =>
  issue.code === "unrecognized_keys" ? issue.keys.slice(0, MOST).map((key) => [...issue.path, key]) : [issue.path];

/** What a schema found wrong with an input, parameter by parameter. */
export const describeIssues = (issues: readonly Issue[], input: unknown): ParameterIssue[] =>
  issues.slice(0, MOST).flatMap((issue) =>
    pathsOf(issue).map((path) => ({
      field: String(shorten(path.join("."))) || "body",
      received: shorten(at(input, path) ?? null),
      allowed: allowedBy(issue),
    }))
  ).slice(0, MOST);
