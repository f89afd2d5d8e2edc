import { quoteText } from "../error.ts";

/** A model hub that cannot be reached, refuses, or holds what this project does not run. Its message is one line. */
export class HubError extends Error {
  override name = "HubError";
}

/** The connection failed or fell silent: trying again may help. */
export class ConnectionError extends HubError {}

/** A model on a hub: where, under which name, which state of it. */
export interface Repository {
  /** The hub's address without a slash at its end. */
  readonly endpoint: string;
  /** "owner/name", or "name" alone for the oldest. */
  readonly name: string;
  /** A branch, tag or commit. */
  readonly revision: string;
}

const PART = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$/;

const isPath = (text: string, mostParts: number): boolean => {
  const parts = text.split("/");
  return parts.length <= mostParts && parts.every((part) => PART.test(part) && !part.includes(".."));
};

const parseEndpoint = (endpoint: string): string => {
  const url = URL.parse(endpoint);
  const isWeb = url !== null && ["http:", "https:"].includes(url.protocol);
  if (!isWeb || url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new RangeError(
      `endpoint must be an http or https address without name, query or fragment, received "${quoteText(endpoint)}"`,
    );
  }
  return url.href.replace(/\/+$/, "");
};

/**
 * Checks what a person typed to name a model on a hub.
 *
 * @throws {RangeError} if the endpoint is no address, or a name could lead anywhere but to a model
 */
export const parseRepository = (
  { endpoint, name, revision }: { endpoint: string; name: string; revision: string },
): Repository => {
  if (!isPath(name, 2)) {
    throw new RangeError(
      `repo must be OWNER/NAME of letters, digits, dots, dashes and underscores, received "${quoteText(name)}"`,
    );
  }
  if (!isPath(revision, 8)) {
    throw new RangeError(`revision must be a branch, a tag or a commit, received "${quoteText(revision)}"`);
  }
  return { endpoint: parseEndpoint(endpoint), name, revision };
};

/** Where the hub describes a repository: its commit, and its files with sizes and checksums. */
export const listingAddress = ({ endpoint, name, revision }: Repository): string =>
  `${endpoint}/api/models/${name}/revision/${encodeURIComponent(revision)}?blobs=true`;

/** Where the hub gives out a file. */
export const fileAddress = ({ endpoint, name, revision }: Repository, path: string): string =>
  `${endpoint}/${name}/resolve/${encodeURIComponent(revision)}/${path.split("/").map(encodeURIComponent).join("/")}`;

/** What every request to a hub takes. */
export interface RequestOptions {
  /** Sent to the hub itself, never to where it redirects. @default none */
  token?: string;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
}

const MOST_REDIRECTS = 5;

const refusal = (repository: Repository, url: string, { status, headers }: Response, hasToken: boolean): HubError => {
  const { endpoint, name, revision } = repository;
  const code = headers.get("x-error-code") ?? "";
  if (status === 404 && code === "RevisionNotFound") {
    return new HubError(`${endpoint} has no revision ${revision} of ${name}`);
  }
  if (code === "GatedRepo" || status === 403) {
    return new HubError(
      hasToken
        ? `${endpoint} does not give out ${name} for this token: accept its terms there, or use one that may read it`
        : `${endpoint} does not give out ${name} without a token (--token-file names one)`,
    );
  }
  if (status === 401) {
    return new HubError(
      hasToken
        ? `${endpoint} does not accept this token, or has no ${name}`
        : `${endpoint} shows no ${name} without a token: there is none, or it is private (--token-file names one)`,
    );
  }
  if (status === 404) return new HubError(`${endpoint} has no ${name} at revision ${revision} (404 for ${url})`);
  const answer = `${endpoint} answered ${status}${status === 429 ? " (too many requests)" : ""} for ${url}`;
  return status === 429 || status >= 500 ? new ConnectionError(answer) : new HubError(answer);
};

const reach = async (url: string, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, init);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const whole = cause.cause instanceof Error ? cause.cause.message : cause.message;
    const reason = whole.replace(/^error sending request for url \([^)]*\): /, "");
    throw new ConnectionError(`Cannot reach ${new URL(url).host}: ${quoteText(reason)}`, { cause });
  }
};

/**
 * Asks the hub; follows its redirects, without the token where they lead to another origin and never from https to http.
 *
 * @returns an answer of status 200 or 206, or 416 where a range was asked for
 * @throws {ConnectionError} if the hub cannot be reached, or is overloaded
 * @throws {HubError} if it refuses
 * @throws the signal's reason
 */
export const requestHub = async (
  repository: Repository,
  url: string,
  { token, signal, headers = {} }: RequestOptions = {},
): Promise<Response> => {
  const origin = new URL(repository.endpoint).origin;
  let at = url;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const own = token !== undefined && new URL(at).origin === origin;
    // Without "identity" a proxy may compress, and ranges and sizes would count other bytes.
    const sent = { ...headers, "accept-encoding": "identity", ...(own ? { authorization: `Bearer ${token}` } : {}) };
    const response = await reach(at, { headers: sent, redirect: "manual", signal });
    const { status } = response;
    if (status === 200 || status === 206 || (status === 416 && "range" in headers)) return response;
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (status < 300 || status >= 400 || location === null) {
      throw refusal(repository, url, response, token !== undefined);
    }
    const next = URL.parse(location, at);
    if (!next || next.protocol !== "https:" && next.protocol !== new URL(at).protocol) {
      throw new HubError(`${new URL(at).host} redirects ${url} to where it must not: ${quoteText(location)}`);
    }
    at = next.href;
  }
  throw new HubError(`${repository.endpoint} redirects ${url} more than ${MOST_REDIRECTS} times`);
};

/** The largest text that is read into memory, in bytes. */
const MOST_TEXT = 16 * 2 ** 20;

/**
 * Reads a small text from the hub.
 *
 * @throws {HubError} if it is larger than 16 MiB, and as `request` does
 */
export const requestText = async (
  repository: Repository,
  url: string,
  options: RequestOptions = {},
): Promise<string> => {
  const response = await requestHub(repository, url, options);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MOST_TEXT) throw new HubError(`${url} is larger than ${MOST_TEXT} bytes`);
      parts.push(part);
    }
  } catch (cause) {
    if (cause instanceof HubError || options.signal?.aborted) throw cause;
    throw new ConnectionError(`The connection to ${new URL(url).host} broke off`, { cause });
  }
  return await new Blob(parts).text();
};
