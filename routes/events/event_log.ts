/** One event of a stream. */
export interface LoggedEvent {
  /** 1, 2, 3 …, with gaps where events were replaced. */
  readonly id: number;
  readonly type: string;
  /** The data as one line of JSON. */
  readonly data: string;
}

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
  const tell = () => {
    for (const reader of [...readers]) reader();
  };
  return {
    append: (type, value, { passing = false } = {}) => {
      if (ended) return;
      if (events.at(-1)?.passing) size -= events.pop()!.data.length;
      const data = JSON.stringify(value);
      events.push({ id: ++lastId, type, data, passing });
      size += data.length;
      tell();
    },
    end: () => {
      ended = true;
      tell();
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
