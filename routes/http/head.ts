import type { MiddlewareHandler } from "hono";

/**
 * Answers a HEAD with the length that the answer to a GET has (RFC 9110, section 8.6), where the route has made its body.
 * One that would draw or stream makes none for a HEAD: its length stays unsaid.
 */
export const measureHead: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.req.method !== "HEAD" || c.res.body === null) return;
  const { byteLength } = await c.res.arrayBuffer();
  c.res.headers.set("content-length", String(byteLength));
};

/** Answers that never have a body: no length is said of them. */
const BODILESS: readonly number[] = [204, 205, 304];

/** The answer to a HEAD without a length that nobody said: of an answer without a body Deno says that it is 0. */
export const keepLengthOpen = ({ method }: Request, answer: Response): Response => {
  if (method !== "HEAD" || answer.headers.has("content-length") || BODILESS.includes(answer.status)) return answer;
  return new Response(new ReadableStream({ start: (controller) => controller.close() }), answer);
};
