/** Conditions on what a client has already (RFC 9110, section 13), for what has an entity tag. */
import type { Context } from "hono";

const tagsIn = (header: string): string[] => header.split(",").map((tag) => tag.trim());

/** Whether If-Match is not met by what is there: no tag of its list is this strong one, nor is it `*`. */
export const refusesMatch = (c: Context, tag: string): boolean => {
  const header = c.req.header("if-match");
  return header !== undefined && !tagsIn(header).some((own) => own === "*" || own === tag);
};

/** Whether If-None-Match says that the client has what is there: by its tag, be it called weak, or by `*`. */
export const isUnchanged = (c: Context, tag: string): boolean => {
  const header = c.req.header("if-none-match");
  return header !== undefined && tagsIn(header).some((own) => own === "*" || own.replace(/^W\//, "") === tag);
};
