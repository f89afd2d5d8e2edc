import type { Heap } from "../../serving/heap.ts";
import type { CodecAnswer, CodecCall, Codecs } from "./codecs.ts";

/** A codec took longer than it may. */
export class CodecTimeoutError extends Error {
  override name = "CodecTimeoutError";
}

/** Runs `codecs` in a Worker, one call after another, so that none holds up the thread that asks. */
export interface Codec {
  /**
   * @throws what the function throws, as an Error of its name
   * @throws {CodecTimeoutError} if it takes longer than it may
   */
  run<N extends keyof Codecs>(name: N, ...args: Parameters<Codecs[N]>): Promise<Awaited<ReturnType<Codecs[N]>>>;
  /** What the Worker's heap held when it last said so; null where none runs. */
  readonly heap: Heap | null;
  /** Ends the Worker. Calls under way fail. */
  close(): void;
}

interface Waiting {
  readonly call: CodecCall;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

const named = ({ name, message }: { name: string; message: string }): Error =>
  Object.assign(new Error(message), { name });

/**
 * Makes a codec. Its Worker starts at the first call, and anew after one that took too long.
 *
 * @param options.seconds the longest that a call may take
 */
export const createCodec = ({ seconds = 20 }: { seconds?: number } = {}): Codec => {
  const waiting: Waiting[] = [];
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

  const perform = ({ call, resolve, reject }: Waiting) =>
    new Promise<void>((finish) => {
      worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      const end = (settle: () => void) => {
        clearTimeout(timer);
        settle();
        finish();
      };
      abandon = () => end(() => reject(new Error("the codec was closed")));
      const timer = setTimeout(() => {
        stop();
        end(() => reject(new CodecTimeoutError(`it took more than ${seconds} s`)));
      }, seconds * 1000);
      worker.onmessage = ({ data }: MessageEvent<CodecAnswer>) => {
        heap = data.heap ?? heap;
        end(() => "error" in data ? reject(named(data.error)) : resolve(data.value));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        stop();
        end(() => reject(new Error(`the codec's worker died: ${event.message}`)));
      };
      worker.postMessage(call);
    });

  const work = async () => {
    isBusy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) await perform(next);
    isBusy = false;
  };

  return {
    run: (name, ...args) =>
      new Promise((resolve, reject) => {
        if (isClosed) throw new Error("the codec was closed");
        waiting.push({ call: { name, args }, resolve: resolve as (value: unknown) => void, reject });
        if (!isBusy) work();
      }),
    get heap() {
      return heap;
    },
    close: () => {
      isClosed = true;
      stop();
      abandon();
      for (const { reject } of waiting.splice(0)) reject(new Error("the codec was closed"));
    },
  };
};
