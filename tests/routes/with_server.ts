import { fromFileUrl } from "@std/path";
import { z } from "zod";
import type { Jobs } from "../../jobs/jobs.ts";
import { openServer, type Server } from "../../routes/server.ts";

/** The folder of a tiny class-conditional model: 8×8 RGB, classes red, green and blue, T = 100. */
export const tinyModel = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));

/** Runs a test against a server of the tiny model on a free port. */
export const withServer = async (
  test: (server: Server) => Promise<void>,
  { jobs, queue, trainingOptions = z.strictObject({ steps: z.int().min(1).default(5) }) }: {
    jobs?: Jobs;
    queue?: number;
    trainingOptions?: z.ZodObject;
  } = {},
): Promise<void> => {
  const server = await openServer({
    folder: tinyModel,
    engine: "wasm",
    host: "127.0.0.1",
    port: 0,
    trainingOptions,
    jobs,
    queue,
  });
  try {
    await test(server);
  } finally {
    await server.close();
  }
};

/** Asks until an answer fits, for at most `seconds`. */
export const until = async <T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  { seconds = 10 }: { seconds?: number } = {},
): Promise<T> => {
  const deadline = performance.now() + seconds * 1000;
  while (true) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`no fitting answer in time; the last: ${JSON.stringify(answer)}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
};
