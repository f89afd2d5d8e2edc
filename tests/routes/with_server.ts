import { fromFileUrl } from "@std/path";
import { z } from "zod";
import type { Limits } from "../../routes/http/limits.ts";
import { openServer, type Server, type ServerOptions } from "../../routes/server.ts";
import { createMemoryJobs } from "../jobs/memory_jobs.ts";

/** The folder of a tiny class-conditional model: 8×8 RGB, classes red, green and blue, T = 100. */
export const tinyModel = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));

/** Runs a test against a server of the tiny model on a free port. */
export const withServer = async (
  test: (server: Server) => Promise<void>,
  options: Partial<Omit<ServerOptions, "limits">> & { limits?: Partial<Limits> } = {},
): Promise<void> => {
  const server = await openServer({
    models: [tinyModel],
    engine: "wasm",
    host: "127.0.0.1",
    port: 0,
    jobs: createMemoryJobs(),
    trainingOptions: z.strictObject({ steps: z.int().min(1).default(5) }),
    ...options,
  });
  try {
    await test(server);
  } finally {
    await server.close();
  }
};

/** Reads until an answer fits, for at most `seconds`. */
export const until = async <T>(
  read: () => T | Promise<T>,
  fits: (answer: T) => boolean,
  { seconds = 10 }: { seconds?: number } = {},
): Promise<T> => {
  const deadline = performance.now() + seconds * 1000;
  while (true) {
    const answer = await read();
    if (fits(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`no fitting answer in time; the last: ${JSON.stringify(answer)}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
};

/** Images that were asked for and are not done. */
export const pendingImages = async (origin: string): Promise<number> =>
  (await (await fetch(`${origin}/health`)).json()).pendingImages;

/** A POST or PUT with a JSON body. */
export const asJson = (body: unknown, { method = "POST", headers = {} }: {
  method?: string;
  headers?: Record<string, string>;
} = {}): RequestInit => ({
  method,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

/** The bytes of an answer that must be 200 and of this type. */
export const bytesOf = async (response: Response, type: string): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = await response.bytes();
  if (response.status !== 200 || response.headers.get("content-type") !== type) {
    throw new Error(`${response.status} ${response.headers.get("content-type")}: ${new TextDecoder().decode(bytes)}`);
  }
  return bytes;
};
