import { z } from "@hono/zod-openapi";
import type { Context } from "hono";

/** A page of a list: so many entries, behind one that is known. */
export const pageQuery = <S extends z.ZodType>(
  { after, most, usual, what }: { after: S; most: number; usual: number; what: string },
) =>
  z.strictObject({
    limit: z.int().min(1).max(most).default(usual).openapi({ description: "The most to answer", example: usual }),
    after: after.optional().openapi({ description: `Id of the ${what} behind which to begin` }),
  });

/** The header of a page, for the OpenAPI description. */
export const pageHeaders = z.object({
  link: z.string().optional().openapi({ description: 'Where there may be more, as <…>; rel="next"' }),
});

/**
 * The header of a page: where the next one is, if as many entries came as were asked for.
 *
 * @param page the entries, each with its id
 */
export const nextLink = (
  c: Context,
  page: readonly { readonly id: string | number }[],
  limit: number,
): Record<string, string> => {
  const last = page.at(-1);
  if (last === undefined || page.length < limit) return {};
  const { pathname, searchParams } = new URL(c.req.url);
  searchParams.set("limit", String(limit));
  searchParams.set("after", String(last.id));
  return { link: `<${pathname}?${searchParams}>; rel="next"` };
};
