import type { DecodeAnswer, DecodeRequest } from "./decode_protocol.ts";

/** Files that a Worker gets at a time. */
const CHUNK = 32;

/** Chunks a Worker that may be under way or waiting for their turn; it bounds what is held in memory. */
const AHEAD = 3;

const spawn = () => {
  const worker = new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" });
  const waiting = new Map<number, PromiseWithResolvers<DecodeAnswer>>();
  worker.onmessage = ({ data }: MessageEvent<DecodeAnswer>) => {
    waiting.get(data.id)?.resolve(data);
    waiting.delete(data.id);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const error = new Error(`a decoding thread ended: ${event.message}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  return {
    ask: (request: DecodeRequest): Promise<DecodeAnswer> => {
      const answer = Promise.withResolvers<DecodeAnswer>();
      waiting.set(request.id, answer);
      worker.postMessage(request);
      return answer.promise;
    },
    load: () => waiting.size,
    terminate: () => worker.terminate(),
  };
};

/**
 * Decodes pictures in Workers, a chunk of files at a time; the answers come in the order of the files, whichever was
 * ready first.
 *
 * @param options.workers threads; no more than there are chunks
 * @throws {Error} if a thread ends, or `signal` is aborted
 */
export const decodeInParallel = async function* (
  paths: readonly string[],
  { size, exact, workers, signal }: { size: number; exact: boolean; workers: number; signal?: AbortSignal },
): AsyncGenerator<{ first: number; length: number; answer: DecodeAnswer }> {
  const chunks = Math.ceil(paths.length / CHUNK);
  const pool = Array.from({ length: Math.max(1, Math.min(workers, chunks)) }, spawn);
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const abort = () => aborted.reject(signal!.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const answers: Promise<DecodeAnswer>[] = [];
    const ask = () => {
      const id = answers.length;
      const idlest = pool.reduce((least, worker) => worker.load() < least.load() ? worker : least);
      const answer = idlest.ask({ id, paths: paths.slice(id * CHUNK, (id + 1) * CHUNK), size, exact });
      answer.catch(() => {});
      answers.push(answer);
    };
    for (let next = 0; next < chunks; next++) {
      while (answers.length < Math.min(chunks, next + AHEAD * pool.length)) ask();
      const answer = await Promise.race([answers[next], aborted.promise]);
      const first = next * CHUNK;
      yield { first, length: Math.min(CHUNK, paths.length - first), answer };
      delete answers[next];
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    for (const worker of pool) worker.terminate();
  }
};
