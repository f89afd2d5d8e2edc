import { at } from "./base.ts";
import { apiKey, keyWanted } from "./key.ts";
import { problemOf, Unreachable } from "./problem.ts";

/** What is asked with a request. */
export interface Asked {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks the server.
 *
 * @throws {Problem} if it refuses; where it wants a key, one is asked for as well
 * @throws {Unreachable} if it does not answer
 */
export const ask = async (path: string, { method, body, accept, signal, headers }: Asked = {}): Promise<Response> => {
  const key = apiKey.value;
  const response = await fetch(at(path), {
    method: method ?? (body === undefined ? "GET" : "POST"),
    signal,
    headers: {
      accept: accept ?? "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch((cause) => {
    if (signal?.aborted) throw cause;
    throw new Unreachable("the server does not answer", { cause });
  });
  if (response.ok) return response;
  const said = await response.json().catch(() => null);
  const problem = problemOf(said, response.status, response.headers.get("retry-after"));
  if (problem.status === 401) {
    keyWanted.set(
      key === null ? "This server draws only for those who have a key." : "The server does not know that key.",
    );
  }
  throw problem;
};

/** Asks for JSON. */
export const askJson = async <T>(path: string, asked: Asked = {}): Promise<T> => {
  const response = await ask(path, asked);
  return await response.json().catch((cause) => {
    if (asked.signal?.aborted) throw cause;
    throw new Unreachable("the answer broke off", { cause });
  });
};
