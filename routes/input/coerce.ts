import type { z } from "@hono/zod-openapi";

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * The value that a text stands for, in a query string or a form: the text itself where the field takes it, else the
 * number or truth value that it spells.
 */
export const coerceText = (field: z.ZodType | undefined, text: string): unknown => {
  const accepts = (value: unknown) => field?.safeParse(value).success === true;
  // A bare "+" in a query string means a space.
  const plus = text.replaceAll(" ", "+");
  if (accepts(text) || field === undefined) return text;
  if (accepts(plus)) return plus;
  if (NUMBER.test(text)) return Number(text);
  return text === "true" || text === "false" ? text === "true" : text;
};
