import { z } from "@hono/zod-openapi";
import type { Context } from "hono";

/** One event of a stream. */
export interface LoggedEvent {
  /** 1, 2, 3 …, with gaps where events were replaced. */
  readonly id: number;
  readonly type: string;
  /** The data as one line of JSON. */
  readonly data: string;
}

/**
 * How a stream of events stands in the OpenAPI description: in words alone. OpenAPI 3.1 does not say whether a schema is
 * of the text, as generated clients take it, or of an event within, as validators do.
 *
 * @param types the types that events can have
 * @param data what stands in their data
 */
export const streamSchema = (types: readonly string[], data: string) =>
  z.unknown().openapi({
    description: `Server-sent events. id: counts up; send the last as Last-Event-ID to go on after a break. event: ` +
      `${types.slice(0, -1).join(", ")} or ${types.at(-1)}. data: JSON. ${data}`,
  });

/** What has happened to a request, for any number of readers, each at its own pace. */
export interface EventLog {
  /** @param options.passing the next event takes the place of this one: it is of interest only while it is the last */
  append(type: string, data: unknown, options?: { passing?: boolean }): void;
  /** Says that nothing follows. */
  end(): void;
  readonly ended: boolean;
  /** Resolves at the end. */
  readonly over: Promise<void>;
  /** The id of the last event; 0 before the first. */
  readonly lastId: number;
  /** The events that came after the one of this id, as far as they have been kept. */
  after(id: number): readonly LoggedEvent[];
  /** Calls back at each change, until the returned function is called. */
  subscribe(onChange: () => void): () => void;
  /** Size of all data that is kept, in characters. */
  readonly size: number;
}

/**
 * Makes an empty log. A reader holds no more of it than the id of the last event it took, so that one who is slow costs
 * nothing.
 */
export const createEventLog = (): EventLog => {
  const events: (LoggedEvent & { readonly passing: boolean })[] = [];
  const readers = new Set<() => void>();
  let lastId = 0;
  const over = Promise.withResolvers<void>();
  let ended = false;
  let size = 0;
  const notify = () => {
    for (const reader of [...readers]) reader();
  };
  return {
    append: (type, value, { passing = false } = {}) => {
      if (ended) return;
      if (events.at(-1)?.passing) size -= events.pop()!.data.length;
      const data = JSON.stringify(value);
      events.push({ id: ++lastId, type, data, passing });
      size += data.length;
      notify();
    },
    end: () => {
      ended = true;
      notify();
      readers.clear();
      over.resolve();
    },
    over: over.promise,
    get ended() {
      return ended;
    },
    get lastId() {
      return lastId;
    },
    after: (id) => events.filter((event) => event.id > id),
    subscribe: (onChange) => {
      const reader = () => onChange();
      readers.add(reader);
      return () => readers.delete(reader);
    },
    get size() {
      return size;
    },
  };
};

/** The headers of what is sent as it comes: nothing keeps it, and a proxy (nginx) holds none of it back. */
export const STREAM_HEADERS = { "cache-control": "no-store", "x-accel-buffering": "no" } as const;

/** An event as it stands in a stream. */
export const writeEvent = ({ id, type, data }: LoggedEvent): string => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;

/** The header that a browser reconnects with, for the OpenAPI description. */
export const lastEventIdHeaders = z.object({
  "last-event-id": z.string().optional().openapi({ description: "Id of the last event received", examples: ["3"] }),
});

/** The id of the last event that a reader has; 0 if it has none, or says none. */
export const lastEventId = (c: Context): number => {
  const id = Number(c.req.header("last-event-id"));
  return Number.isSafeInteger(id) && id > 0 ? id : 0;
};

/** How a stream came to its end: with the log, or because its reader went away or took nothing. */
export type StreamEnd = "ended" | "gone";

/** A comment, which a reader passes over and no proxy closes the line on. */
const HEARTBEAT = ": still here\n\n";

const textEncoder = new TextEncoder();

/**
 * Texts as a body, none of them made ahead of the reader; one that takes nothing for `stall` milliseconds is cut off.
 *
 * @param next gives the next text; null at the end
 * @param options.onEnd called once
 */
const pacedStream = (
  next: () => Promise<string | null>,
  { stall, onEnd }: { stall: number; onEnd: (end: StreamEnd) => void },
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let isOver = false;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  const end = (how: StreamEnd) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(stalled);
    onEnd(how);
  };
  return new ReadableStream({
    pull: async (controller) => {
      clearTimeout(stalled);
      const text = await next().catch((error) => {
        end("gone");
        throw error;
      });
      if (isOver) return;
      if (text === null) {
        end("ended");
        return controller.close();
      }
      controller.enqueue(textEncoder.encode(text));
      stalled = setTimeout(() => {
        controller.error(new Error("the reader takes nothing"));
        end("gone");
      }, stall);
    },
    cancel: () => end("gone"),
  }, { highWaterMark: 0 });
};

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
  let stopWaiting = () => {};

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

  const next = async (): Promise<string | null> => {
    if (log.after(last).length === 0 && !log.ended) await waitForChange();
    const events = log.after(last);
    if (events.length === 0) return log.ended ? null : HEARTBEAT;
    last = events.at(-1)!.id;
    return events.map(writeEvent).join("");
  };
  return pacedStream(next, {
    stall,
    onEnd: (end) => {
      stopWaiting();
      onEnd(end);
    },
  });
};

/**
 * Texts as they come, as a body that ends with them. Nothing is asked for ahead of the reader; one that takes nothing for
 * `stall` milliseconds is cut off.
 *
 * @param options.heartbeat milliseconds of silence after which a comment of an event stream is sent, so that no proxy
 * closes the line; null for none
 * @param options.onEnd called once; whoever makes the texts is to stop then
 */
export const textStream = (
  texts: AsyncIterable<string>,
  { heartbeat = 15_000, stall = 60_000, onEnd = () => {} }: {
    heartbeat?: number | null;
    stall?: number;
    onEnd?: (end: StreamEnd) => void;
  } = {},
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const iterator = texts[Symbol.asyncIterator]();
  let pending: Promise<string | null> | null = null;

  const takeText = async (): Promise<string | null> => {
    const { done, value } = await iterator.next();
    pending = null;
    return done ? null : value;
  };
  const next = async (): Promise<string | null> => {
    pending ??= takeText();
    if (heartbeat === null) return await pending;
    const beat = Promise.withResolvers<string>();
    const timer = setTimeout(() => beat.resolve(HEARTBEAT), heartbeat);
    try {
      return await Promise.race([pending, beat.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  return pacedStream(next, { stall, onEnd });
};
