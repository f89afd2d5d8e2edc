import type { StreamEnd } from "./event_stream.ts";

const encoder = new TextEncoder();
const BEAT = Symbol("heartbeat");

/**
 * Texts as they come, as a body that ends with them. Nothing is asked for ahead of the reader; one that takes nothing for
 * `stall` milliseconds is cut off.
 *
 * @param options.heartbeat milliseconds of silence after which a comment of an event stream is sent, so that no proxy
 * closes the line; null for none
 * @param options.onEnd called once; whoever makes the texts is to stop then
 */
export const followStream = (
  texts: AsyncIterable<string>,
  { heartbeat = 15_000, stall = 60_000, onEnd = () => {} }: {
    heartbeat?: number | null;
    stall?: number;
    onEnd?: (end: StreamEnd) => void;
  } = {},
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const iterator = texts[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<string>> | null = null;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;

  const end = (how: StreamEnd) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(stalled);
    onEnd(how);
  };

  const nextOrBeat = async (): Promise<IteratorResult<string> | typeof BEAT> => {
    next ??= iterator.next();
    if (heartbeat === null) return await next;
    const { promise, resolve } = Promise.withResolvers<typeof BEAT>();
    const timer = setTimeout(() => resolve(BEAT), heartbeat);
    try {
      return await Promise.race([next, promise]);
    } finally {
      clearTimeout(timer);
    }
  };

  return new ReadableStream({
    pull: async (controller) => {
      clearTimeout(stalled);
      const result = await nextOrBeat().catch((error) => {
        end("gone");
        throw error;
      });
      if (isOver) return;
      if (result === BEAT) controller.enqueue(encoder.encode(": still here\n\n"));
      else {
        next = null;
        if (result.done) {
          end("ended");
          return controller.close();
        }
        controller.enqueue(encoder.encode(result.value));
      }
      stalled = setTimeout(() => {
        controller.error(new Error("the reader takes nothing"));
        end("gone");
      }, stall);
    },
    cancel: () => end("gone"),
  }, { highWaterMark: 0 });
};
