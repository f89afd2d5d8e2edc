import type { Heap } from "../../serving/heap.ts";
import { bytesIn, type CodecAnswer, type CodecCall, TAKEN_OVER } from "./calls.ts";
import type { Codecs } from "./codecs.ts";
import { createFairQueue } from "./fair_queue.ts";

/** A codec took longer than it may. */
export class CodecTimeoutError extends Error {
  override name = "CodecTimeoutError";
}

/** Who asks a codec for something. */
export interface CodecAsker {
  /** Clients have equal shares of its time. */
  readonly client: string;
  /** Aborts when the answer is wanted no more. */
  readonly signal: AbortSignal;
}

/** A codec as one request has it. */
export interface CodecRunner {
  /**
   * Calls a function. Bytes that are given to one of `TAKEN_OVER` are gone from here.
   *
   * @throws what the function throws, as an Error of its name
   * @throws the signal's reason once it is aborted
   * @throws {CodecTimeoutError} if it takes longer than it may
   */
  run<N extends keyof Codecs>(name: N, ...args: Parameters<Codecs[N]>): Promise<Awaited<ReturnType<Codecs[N]>>>;
}

/**
 * Runs `codecs` in a Worker, one call after another, so that none holds up the thread that asks. Whose turn it is depends
 * on the time that the Worker has spent on each client.
 */
export interface Codec {
  for(asker: CodecAsker): CodecRunner;
  /** What the Worker's heap held when it last said so; null where none runs. */
  readonly heap: Heap | null;
  /** Ends the Worker. Calls under way fail. */
  close(): void;
}

/** A call that waits, or is being done. */
interface Errand {
  readonly call: CodecCall;
  readonly signal: AbortSignal;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

const named = ({ name, message }: { name: string; message: string }): Error =>
  Object.assign(new Error(message), { name });

/** Bytes of heap at which a Worker is replaced by a fresh one, which holds none of what is garbage or only kept. */
const LARGE_HEAP = 512 * 2 ** 20;

/**
 * Makes a codec. Its Worker starts at the first call, and anew after one that was stopped.
 *
 * @param options.script the Worker's module
 * @param options.seconds the longest that a call may take
 * @param options.wanting the longest that one may still take which is wanted no more
 */
export const createCodec = (
  { script = new URL("./worker.ts", import.meta.url), seconds = 20, wanting = 0.5 }: {
    script?: URL;
    seconds?: number;
    wanting?: number;
  } = {},
): Codec => {
  const queue = createFairQueue<Errand>();
  let worker: Worker | null = null;
  let heap: Heap | null = null;
  let isBusy = false;
  let isClosed = false;
  let abandon = () => {};

  const stop = () => {
    worker?.terminate();
    worker = null;
    heap = null;
  };

  const perform = ({ call, signal, resolve, reject }: Errand) =>
    new Promise<void>((finish) => {
      worker ??= new Worker(script, { type: "module" });
      let last: ReturnType<typeof setTimeout> | undefined;
      const end = (settle: () => void) => {
        clearTimeout(timer);
        clearTimeout(last);
        signal.removeEventListener("abort", leave);
        settle();
        finish();
      };
      const stopAnd = (settle: () => void) => {
        stop();
        end(settle);
      };
      // To begin anew takes a while too: what is nearly done may end.
      const leave = () => {
        reject(signal.reason);
        last = setTimeout(() => stopAnd(() => {}), wanting * 1000);
      };
      abandon = () => end(() => reject(new Error("the codec was closed")));
      const timer = setTimeout(
        () => stopAnd(() => reject(new CodecTimeoutError(`it took more than ${seconds} s`))),
        seconds * 1000,
      );
      signal.addEventListener("abort", leave, { once: true });
      worker.onmessage = ({ data }: MessageEvent<CodecAnswer>) => {
        heap = data.heap ?? heap;
        if (heap !== null && heap.total + heap.external > LARGE_HEAP) stop();
        end(() => "error" in data ? reject(named(data.error)) : resolve(data.value));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        stopAnd(() => reject(new Error(`the codec's worker died: ${event.message}`)));
      };
      worker.postMessage(call, TAKEN_OVER.has(call.name) ? bytesIn(call.args) : []);
    });

  const work = async () => {
    isBusy = true;
    for (let next = queue.next(); next; next = queue.next()) {
      const started = performance.now();
      await perform(next.item);
      queue.charge(next.client, performance.now() - started);
    }
    isBusy = false;
  };

  return {
    for: ({ client, signal }) => ({
      run: (name, ...args) =>
        new Promise((resolve, reject) => {
          if (isClosed) throw new Error("the codec was closed");
          signal.throwIfAborted();
          const leave = () => {
            queue.remove(client, errand);
            reject(signal.reason);
          };
          signal.addEventListener("abort", leave, { once: true });
          const settled = <V>(settle: (value: V) => void) => (value: V) => {
            signal.removeEventListener("abort", leave);
            settle(value);
          };
          const errand: Errand = {
            call: { name, args },
            signal,
            resolve: settled(resolve as (value: unknown) => void),
            reject: settled(reject),
          };
          queue.add(client, errand);
          if (!isBusy) work();
        }),
    }),
    get heap() {
      return heap;
    },
    close: () => {
      isClosed = true;
      stop();
      abandon();
      for (const { reject } of queue.drain()) reject(new Error("the codec was closed"));
    },
  };
};
