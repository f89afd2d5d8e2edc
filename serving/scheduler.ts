import { checkInteger } from "../core/check.ts";
import { rowsPerImage, type SamplingTask, workOf } from "../sampling/compile.ts";
import { checkFinite, isFinished, type Network, type Row, startRow, stepRows } from "../sampling/denoise.ts";
import { createPreviews, type TaskOptions } from "./progress.ts";
import { createTimeSharing, type TimeSharing } from "./time_sharing.ts";

/**
 * Who comes first: the order in which requests would end if all clients shared the engine equally, and the requests of
 * each its part (the fair sojourn protocol, Friedman & Henderson 2003, in two levels). A short request passes long ones;
 * and none starves: once the time is over that it would have needed with its equal share, it comes first until it ends.
 *
 * Virtual time is the work that each client would have got with equal shares. A client's work would be done at a time that
 * no other client's requests move. What it got before its turn it pays for with its share, so that nobody gains by sending
 * work in small pieces: as if the requests that ended early shared it still. For the order of its own requests each client
 * has a time of its own.
 */
export interface VirtualTime<R> {
  /** Takes note of a request of `work` rows that comes now. */
  add(request: R, options: { client: string; work: number }): void;
  /** Takes note that it is over, and `left` of its rows will never be done. */
  remove(request: R, left: number): void;
  /** Moves on by `rows` of work that was done. */
  advance(rows: number): void;
  /** When a request that is not over would end. */
  endOf(request: R): number;
}

interface VirtualClient<R> {
  readonly name: string;
  /** When all that it asked for would be done. */
  finish: number;
  /** Its own time: the work that each of its requests would have got with equal shares. */
  time: number;
  /** Requests that are not over, and when they would end in its own time. */
  readonly ends: Map<R, number>;
  /** Requests that are over since there was last nothing to pay for. */
  over: number;
}

/** Rows that are none, but what rounding left of some. */
const ROUNDING = 1e-6;

/** Starts at 0. */
export const createVirtualTime = <R>(): VirtualTime<R> => {
  let time = 0;
  /** Those with requests that are not over, or with work to pay for. */
  const clients = new Map<string, VirtualClient<R>>();
  /** What is not over, and when it would end. */
  const requests = new Map<R, { readonly client: VirtualClient<R>; end: number }>();

  const isBusy = ({ finish }: VirtualClient<R>) => finish - time > ROUNDING;

  /** A client's requests would end one after the other, all that are left sharing its part with what it has to pay for. */
  const order = (client: VirtualClient<R>) => {
    const sorted = [...client.ends].map(([request, end]) => ({ request, left: end - client.time }))
      .sort((a, b) => a.left - b.left);
    const debt = client.finish - time - sorted.reduce((sum, { left }) => sum + left, 0);
    if (debt <= ROUNDING) client.over = 0;
    let [before, last] = [0, -Infinity];
    for (const [i, { request, left }] of sorted.entries()) {
      const paid = Math.min(debt, client.over * Math.max(0, left));
      // Equal ones stay in the order in which they came, however their sums are rounded.
      last = Math.max(last, time + before + left * (sorted.length - i) + paid);
      requests.get(request)!.end = last;
      before += left;
    }
  };

  return {
    add: (request, { client: name, work }) => {
      const client: VirtualClient<R> = clients.get(name) ??
        { name, finish: time, time: 0, ends: new Map(), over: 0 };
      clients.set(name, client);
      if (client.ends.size === 0) client.finish = Math.max(client.finish, time);
      client.finish += work;
      client.ends.set(request, client.time + work);
      requests.set(request, { client, end: client.finish });
      order(client);
    },
    remove: (request, left) => {
      const { client } = requests.get(request)!;
      requests.delete(request);
      client.ends.delete(request);
      client.finish -= left;
      client.over++;
      order(client);
      if (client.ends.size === 0 && !isBusy(client)) clients.delete(client.name);
      // With nothing to do for anybody there is nothing to pay for.
      if (requests.size === 0) clients.clear();
    },
    advance: (rows) => {
      let busy = [...clients.values()].filter(isBusy);
      for (let left = rows; left > ROUNDING && busy.length > 0; busy = busy.filter(isBusy)) {
        const share = busy.reduce((least, { finish }) => Math.min(least, finish - time), left / busy.length);
        left -= share * busy.length;
        time += share;
        for (const client of busy) {
          if (client.ends.size > 0) client.time += share / client.ends.size;
          else if (!isBusy(client)) clients.delete(client.name);
        }
      }
    },
    endOf: (request) => requests.get(request)!.end,
  };
};

/** The share of a new measurement in what is taken to be the cost. */
const WEIGHT = 0.2;

/** What network calls cost, by the rows that the network evaluates: learned from those that were made. */
export interface Costs {
  /** Takes note of a call. The first of its size is left out: it may compile. */
  record(bucket: number, cost: number): void;
  /**
   * The cost of a call, in the unit of `record`. A size that was never measured is taken to lie on the line between its
   * neighbours that were; beyond them, cost is taken to grow with the rows. Where nothing was measured, a row costs 1.
   *
   * A larger call is taken to be no cheaper as a whole and no dearer a row than a smaller one, whatever was measured: a
   * size that once came out too dear would not be tried again.
   */
  costOf(bucket: number): number;
}

/** Starts without knowing any cost. */
export const createCosts = (): Costs => {
  const seen = new Set<number>();
  const known = new Map<number, number>();

  const record = (bucket: number, cost: number) => {
    if (!seen.has(bucket)) return void seen.add(bucket);
    const before = known.get(bucket);
    known.set(bucket, before === undefined ? cost : before + WEIGHT * (cost - before));
  };

  const estimate = (bucket: number): number => {
    const sizes = [...known.keys()].sort((a, b) => a - b);
    const below = sizes.findLast((size) => size <= bucket);
    const above = sizes.find((size) => size >= bucket);
    if (below === undefined || above === undefined) {
      const nearest = below ?? above;
      return nearest === undefined ? bucket : known.get(nearest)! * bucket / nearest;
    }
    const [low, high] = [known.get(below)!, known.get(above)!];
    return below === above ? low : low + (high - low) * (bucket - below) / (above - below);
  };

  const costOf = (bucket: number): number => {
    let cost = estimate(bucket);
    for (const [size, other] of known) cost = Math.min(cost, size < bucket ? other * bucket / size : other);
    return cost;
  };

  return { record, costOf };
};

/** A request that wants to take part in the next network call. */
export interface Candidate {
  /** Images that can do a step now. */
  readonly ready: number;
  /** Rows that one of them takes. */
  readonly rowsPerImage: 1 | 2;
  /** Rows that all of the request's steps take together: the work that it came with. */
  readonly work: number;
}

/** A claim, and how many of its images are in. */
export interface BatchShare<C extends Candidate> {
  readonly candidate: C;
  readonly images: number;
}

const fill = <C extends Candidate>(claims: readonly C[], limit: number): { shares: BatchShare<C>[]; rows: number } => {
  const shares: BatchShare<C>[] = [];
  let free = limit;
  for (const claim of claims) {
    const images = Math.min(claim.ready, Math.floor(free / claim.rowsPerImage));
    if (images > 0) shares.push({ candidate: claim, images });
    free -= images * claim.rowsPerImage;
    if (free === 0) break;
  }
  return { shares, rows: limit - free };
};

/** The sizes of a call that are worth a thought, the largest first: the capacity, and the powers of two below it. */
const limitsOf = (capacity: number): number[] => {
  const powers = Array.from({ length: Math.ceil(Math.log2(capacity)) }, (_, i) => 2 ** i);
  return [capacity, ...powers.reverse()];
};

/**
 * Chooses who takes part in the next network call: of the claims in their order as many as fit, for that size of the call
 * where the share of their requests that gets done a second is largest, Σ rows / work / cost.
 *
 * So equal requests share the calls as long as a larger call is cheaper a row; and a short request does not wait for long
 * ones beside it where the engine takes longer for more rows, which costs the long ones next to nothing.
 *
 * The first claim is always in.
 *
 * @param claims at least one, in the order of precedence; those with nothing ready are passed over
 * @param options.capacity the most rows of a call, at least 2
 * @param options.costOf what a call with so many rows costs, in any unit
 */
export const chooseBatch = <C extends Candidate>(
  claims: readonly C[],
  { capacity, costOf }: { capacity: number; costOf: (rows: number) => number },
): BatchShare<C>[] => {
  let best: BatchShare<C>[] = [];
  let most = -1;
  for (const limit of limitsOf(capacity)) {
    if (limit < claims[0].rowsPerImage) continue;
    const { shares, rows } = fill(claims, limit);
    const done = shares.reduce(
      (sum, { candidate: claim, images }) => sum + images * claim.rowsPerImage / claim.work,
      0,
    );
    const rate = done / Math.max(costOf(rows), Number.MIN_VALUE);
    if (rate > most) [best, most] = [shares, rate];
  }
  return best;
};

/** A task in the scheduler: what it claims, and how far it is. */
export interface QueuedTask extends Candidate {
  /** Images that have begun and are not finished, and those that have not begun. */
  readonly live: number;
  readonly waiting: number;
  /** Rows of network calls that are still to be done. */
  readonly left: number;
  /** Whether it was resolved or rejected. */
  readonly isSettled: boolean;
  /** Resolves with the images, n·H·W·C values. */
  readonly promise: Promise<Float32Array<ArrayBuffer>>;
  /** The next `count` rows in turn, at most `ready`. */
  take(count: number): Row[];
  /** Takes note that these rows did a step, and reports it; resolves after the last, rejects if one is not finite. */
  stepped(rows: readonly Row[]): void;
  reject(reason: unknown): void;
}

/**
 * Makes an entry of a task whose images have `size` values. They begin when they are first taken, and take their steps in
 * turn: none is more than one step ahead of another.
 */
const createQueuedTask = (
  task: SamplingTask,
  { size, previews: count = 0, onStarted, onStep }: { size: number } & TaskOptions,
): QueuedTask => {
  const { n, steps } = task;
  const rowsOfImage = rowsPerImage(task);
  const total = n * steps;
  const { promise, resolve, reject } = Promise.withResolvers<Float32Array<ArrayBuffer>>();
  /** Made when it begins: one that waits takes no memory. */
  let images: Float32Array<ArrayBuffer> | null = null;
  const rows: Row[] = [];
  const previews = createPreviews(task, count);
  let done = 0;
  let isSettled = false;

  const settleBy = (reason: unknown) => {
    isSettled = true;
    reject(reason);
  };

  const begun = () => Math.min(n, done);
  const finished = () => Math.max(0, done - n * (steps - 1));

  return {
    promise,
    rowsPerImage: rowsOfImage,
    work: workOf(task),
    get ready() {
      return Math.min(n, total - done);
    },
    get live() {
      return begun() - finished();
    },
    get waiting() {
      return n - begun();
    },
    get left() {
      return (total - done) * rowsOfImage;
    },
    get isSettled() {
      return isSettled;
    },
    take: (count) => {
      if (done === 0) onStarted?.();
      images ??= new Float32Array(n * size);
      return Array.from({ length: count }, (_, i) => rows[(done + i) % n] ??= startRow(task, (done + i) % n));
    },
    stepped: (taken) => {
      let preview;
      try {
        taken.forEach(checkFinite);
      } catch (error) {
        return settleBy(error);
      }
      for (const row of taken) {
        const step = Math.floor(done++ / n) + 1;
        preview = previews.add(row, step) ?? preview;
        if (isFinished(row)) images!.set(row.x, row.index * size);
      }
      onStep?.({ done, total, step: Math.floor(done / n), steps, ...preview && { preview } });
      if (done < total || isSettled) return;
      isSettled = true;
      resolve(images!);
    },
    reject: settleBy,
  };
};

/** What is under way in a scheduler. */
export interface Load {
  /** Images that have begun and are not finished, and those that have not begun. */
  readonly live: number;
  readonly waiting: number;
  /** Rows of network calls that are still to be done for them. */
  readonly left: number;
}

/** One network call, as a scheduler made it. */
export interface NetworkCall {
  /** Rows that were asked for, and rows that the network evaluated. */
  readonly rows: number;
  readonly bucket: number;
  /** Milliseconds of the step, and of its network call. */
  readonly time: number;
  readonly engine: number;
}

/** Denoises the images of many tasks together. */
export interface Scheduler {
  /**
   * Queues a task and resolves with its images, n·H·W·C values.
   *
   * @throws {NonFiniteImageError} if an image's values are not finite after a step
   * @throws the signal's reason once it is aborted, and whatever the network throws
   */
  submit(task: SamplingTask, options?: TaskOptions): Promise<Float32Array<ArrayBuffer>>;
  readonly load: Load;
  /** Takes no more turns. */
  close(): void;
}

/** How a scheduler works. */
export interface SchedulerOptions {
  /** Rows of one network call; a guided image takes two. At least 2. @default 16 */
  readonly capacity?: number;
  /** Label of "no class" in the network's embedding. @default null */
  readonly nullLabel?: number | null;
  /** Rows that the network evaluates when it is asked for so many. @default as many */
  readonly bucketOf?: (rows: number) => number;
  /** Whose turn it is, where several schedulers share an engine. @default turns of its own */
  readonly timeSharing?: TimeSharing;
  /** A clock of milliseconds. */
  readonly now?: () => number;
  readonly onStep?: (step: NetworkCall) => void;
}

/**
 * Step-level batching: at each step boundary, rows (images) of any number of tasks are put into one network call,
 * whatever their samplers, steps and classes. Which ones is up to the fair order of `createVirtualTime` and to
 * `chooseBatch`: a row may pause for some calls and go on later. A row's values depend on its own task alone, as
 * far as the network's do.
 *
 * A network call that fails fails the tasks that took part in it, and no others; values that are not finite fail the task
 * that they are of alone.
 */
export const createScheduler = (
  network: Network,
  {
    capacity = 16,
    nullLabel = null,
    bucketOf = (rows) => rows,
    now = () => performance.now(),
    timeSharing: turns = createTimeSharing({ now }),
    onStep,
  }: SchedulerOptions = {},
): Scheduler => {
  checkInteger("capacity", capacity, 2);
  const size = network.height * network.width * network.channels;
  const time = createVirtualTime<QueuedTask>();
  const costs = createCosts();
  const costOf = (rows: number) => costs.costOf(bucketOf(rows));
  /** Unsettled, in the order of precedence. */
  let entries: QueuedTask[] = [];
  const sort = () => {
    entries.sort((a, b) => time.endOf(a) - time.endOf(b));
  };
  const sweep = () => {
    for (const entry of entries) if (entry.isSettled) time.remove(entry, entry.left);
    entries = entries.filter(({ isSettled }) => !isSettled);
    sort();
  };

  const step = () => {
    const started = now();
    const shares = chooseBatch(entries, { capacity, costOf });
    try {
      const parts = shares.map(({ candidate: claim, images }) => ({ entry: claim, rows: claim.take(images) }));
      const { rows, engine } = stepRows(network, parts.flatMap(({ rows }) => rows), { nullLabel, now });
      const bucket = bucketOf(rows);
      costs.record(bucket, engine);
      time.advance(rows);
      for (const { entry, rows } of parts) if (!entry.isSettled) entry.stepped(rows);
      sweep();
      onStep?.({ rows, bucket, time: now() - started, engine });
    } catch (error) {
      for (const { candidate: claim } of shares) claim.reject(error);
      sweep();
      throw error;
    }
  };
  const close = turns.add({ step, hasWork: () => entries.length > 0 });

  const submit: Scheduler["submit"] = async (task, options = {}) => {
    const { client = "", signal, onQueued } = options;
    signal?.throwIfAborted();
    const entry = createQueuedTask(task, { ...options, size });
    time.add(entry, { client, work: entry.work });
    entries.push(entry);
    sort();
    onQueued?.(entries.slice(0, entries.indexOf(entry)).reduce((sum, { live, waiting }) => sum + live + waiting, 0));
    turns.wake();

    const abort = () => {
      entry.reject(signal!.reason);
      sweep();
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await entry.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  };

  return {
    submit,
    close,
    get load() {
      const sum = (part: (entry: QueuedTask) => number) => entries.reduce((total, entry) => total + part(entry), 0);
      return { live: sum(({ live }) => live), waiting: sum(({ waiting }) => waiting), left: sum(({ left }) => left) };
    },
  };
};
