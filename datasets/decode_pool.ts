/** Some pictures to decode. */
export interface DecodeRequest {
  readonly id: number;
  readonly paths: readonly string[];
  /** Pixels of the side of what they become. */
  readonly size: number;
  /** Whether they must be of that size already. */
  readonly exact: boolean;
}

/** What became of them. */
export type DecodeResult =
  | {
    readonly id: number;
    /** RGB, of those that could be read, in their order. */
    readonly images: Uint8Array<ArrayBuffer>;
    /** Whether all of these are gray. */
    readonly isGray: boolean;
    /** Those that could not, by their indices in `paths`. */
    readonly faults: readonly { readonly index: number; readonly reason: string; readonly kind: string }[];
  }
  | {
    readonly id: number;
    readonly differs: { readonly index: number; readonly height: number; readonly width: number };
  }
  | { readonly id: number; readonly failed: string };

/** Files that a Worker gets at a time. */
const FILES_A_CHUNK = 32;

/** Chunks a Worker that may be under way or waiting for their turn; it bounds what is held in memory. */
const CHUNKS_AHEAD = 3;

const startWorker = () => {
  const worker = new Worker(new URL("./decode_worker.ts", import.meta.url), { type: "module" });
  const waiting = new Map<number, PromiseWithResolvers<DecodeResult>>();
  worker.onmessage = ({ data }: MessageEvent<DecodeResult>) => {
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
    decode: (request: DecodeRequest): Promise<DecodeResult> => {
      const answer = Promise.withResolvers<DecodeResult>();
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
): AsyncGenerator<{ first: number; length: number; answer: DecodeResult }> {
  const chunks = Math.ceil(paths.length / FILES_A_CHUNK);
  const pool = Array.from({ length: Math.max(1, Math.min(workers, chunks)) }, startWorker);
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const abort = () => aborted.reject(signal!.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const answers: Promise<DecodeResult>[] = [];
    const requestNext = () => {
      const id = answers.length;
      const idlest = pool.reduce((least, worker) => worker.load() < least.load() ? worker : least);
      const answer = idlest.decode({
        id,
        paths: paths.slice(id * FILES_A_CHUNK, (id + 1) * FILES_A_CHUNK),
        size,
        exact,
      });
      answer.catch(() => {});
      answers.push(answer);
    };
    for (let next = 0; next < chunks; next++) {
      while (answers.length < Math.min(chunks, next + CHUNKS_AHEAD * pool.length)) requestNext();
      const answer = await Promise.race([answers[next], aborted.promise]);
      const first = next * FILES_A_CHUNK;
      yield { first, length: Math.min(FILES_A_CHUNK, paths.length - first), answer };
      delete answers[next];
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    for (const worker of pool) worker.terminate();
  }
};
