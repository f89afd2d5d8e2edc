import { HTTPException } from "hono/http-exception";

/** Whether an origin is the one that a request names as its host. What ends TLS before the server changes the scheme. */
const isOwn = (origin: string, { url, headers }: Request): boolean => {
  const page = URL.parse(origin);
  if (page === null) return false;
  return URL.parse(`${page.protocol}//${headers.get("host") ?? new URL(url).host}`)?.host === page.host;
};

/** Whether a browser asks for another site's page. Where its word is missing (a server without TLS), the origin tells. */
const isForeign = (request: Request): boolean => {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = request.headers.get("origin");
  return origin !== null && !isOwn(origin, request);
};

/** Whether a person follows a link to here, which leaves the page that it is on. */
const isFollowed = ({ method, headers }: Request): boolean =>
  method === "GET" && headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document" &&
  !headers.has("sec-purpose");

/** The origin of the page that asks. Pictures are asked for without one: the page's address, if it is told, has it. */
const originOf = ({ headers }: Request): string | null =>
  headers.get("origin") ?? URL.parse(headers.get("referer") ?? "")?.origin ?? null;

/**
 * Why a request is refused that a page of another site makes: it needs no answer to train or to load, nor to keep the
 * engine busy with pictures that it may not show. Programs, the server's own page and links are let through.
 *
 * @param origins of pages elsewhere that may ask; `*` is all
 * @returns 403, or null
 */
export const refuseSite = (request: Request, origins: readonly string[]): HTTPException | null => {
  if (origins.includes("*") || !isForeign(request) || isFollowed(request)) return null;
  const origin = originOf(request);
  if (origin !== null && origins.includes(origin)) return null;
  const message = "a page of another site asks, and its origin is not among those that --cors names";
  return new HTTPException(403, { message });
};
