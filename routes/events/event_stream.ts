import type { EventLog, LoggedEvent } from "./event_log.ts";

const encoder = new TextEncoder();

/** An event as it stands in a stream. */
export const writeEvent = ({ id, type, data }: LoggedEvent): string => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;

/** How a stream came to its end: with the log, or because its reader went away or took nothing. */
export type StreamEnd = "ended" | "gone";

/**
 * The events of a log as `text/event-stream`, ended with the log. Nothing is written ahead of the reader: a slow one gets
 * fewer of the passing events, and one that takes nothing for `stall` milliseconds is cut off.
 *
 * @param options.after id of the last event that the reader has (`Last-Event-ID`)
 * @param options.heartbeat milliseconds of silence after which a comment is sent, so that no proxy closes the line
 * @param options.onEnd called once
 */
export const eventStream = (
  log: EventLog,
  { after = 0, heartbeat = 15_000, stall = 60_000, onEnd = () => {} }: {
    after?: number;
    heartbeat?: number;
    stall?: number;
    onEnd?: (end: StreamEnd) => void;
  } = {},
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let last = Math.min(after, log.lastId);
  let isOver = false;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let stopWaiting = () => {};

  const end = (how: StreamEnd) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(stalled);
    stopWaiting();
    onEnd(how);
  };

  /** Resolves at the next change of the log, or after the heartbeat. */
  const waitForChange = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => stopWaiting(), heartbeat);
      const unsubscribe = log.subscribe(() => stopWaiting());
      stopWaiting = () => {
        clearTimeout(timer);
        unsubscribe();
        resolve();
      };
    });

  return new ReadableStream({
    pull: async (controller) => {
      clearTimeout(stalled);
      if (log.after(last).length === 0 && !log.ended) await waitForChange();
      if (isOver) return;
      const events = log.after(last);
      if (events.length === 0 && log.ended) {
        end("ended");
        return controller.close();
      }
      last = events.at(-1)?.id ?? last;
      controller.enqueue(encoder.encode(events.length > 0 ? events.map(writeEvent).join("") : ": still here\n\n"));
      stalled = setTimeout(() => {
        controller.error(new Error("the reader takes nothing"));
        end("gone");
      }, stall);
    },
    cancel: () => end("gone"),
  }, { highWaterMark: 0 });
};
