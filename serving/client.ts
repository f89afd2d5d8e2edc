import { checkInteger, checkNumber } from "../core/check.ts";
import { type Counters, createCounters } from "./counters.ts";
import { reviveError } from "./error_description.ts";
import { EngineFailedError, QueueFullError, UnavailableError } from "./errors.ts";
import type { Heap } from "./heap.ts";
import { modelNames } from "./model_names.ts";
import { createPending, type Pending } from "./pending.ts";
import { ParameterError } from "./resolve.ts";
import type { Serving, ServingOptions } from "./serving.ts";
import { openSupervisor, type WorkMessage } from "./supervisor.ts";

export * from "./errors.ts";
export * from "./serving.ts";

/** Milliseconds before each attempt to start the Worker again. */
const DELAYS = [100, 1000, 5000, 15_000, 30_000];

/** Lets a request in, or says why not. */
const admit = (counters: Counters, n: number): void => {
  const { pending, stats: { queue } } = counters;
  if (n > queue) throw new ParameterError([{ field: "n", received: n, allowed: `at most ${queue}, the queue` }]);
  if (pending + n <= queue) return;
  counters.end(n, "refused");
  const message = `${pending} images are under way and ${queue} may be, ${n} more were asked for`;
  throw new QueueFullError(message, { retryAfter: counters.retryAfter(n) });
};

/**
 * Starts a Worker with the models, and resolves once each has been asked once.
 *
 * Where the engine fails or the Worker dies, another is started with the same models; requests wait for it.
 *
 * @param setup.script the worker's module, which speaks the messages of protocol.ts
 * @param setup.delays milliseconds before each attempt to start the Worker again; after as many it is given up
 * @throws {ModelError} (by name) if a folder holds no pipeline that can be read
 */
export const openServing = async (
  { models: folders, engine, tensorflow, xla, capacity = 16, queue = 256, deterministic = false }: ServingOptions,
  { script = new URL("./worker.ts", import.meta.url), delays = DELAYS }: {
    script?: URL;
    delays?: readonly number[];
  } = {},
): Promise<Serving> => {
  checkInteger("models.length", folders.length, 1);
  checkInteger("capacity", capacity, 2);
  checkInteger("queue", queue, 1);
  const names = modelNames(folders);
  const models = folders.map((folder, i) => ({ name: names[i], folder }));
  const counters = new Map(names.map((model) => [model, createCounters({ model, capacity, queue })]));
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let unavailable: UnavailableError | null = null;
  let heap: Heap | null = null;

  const onMessage = (message: WorkMessage) => {
    if (message.type === "batch") {
      const { model, rows, bucket, time, engine } = message.report;
      counters.get(model)!.batch(message.report);
      heap = message.report.heap ?? heap;
      return serving.onBatch?.({ model, rows, bucket, seconds: time / 1000, engineSeconds: engine / 1000 });
    }
    const task = pending.get(message.id);
    if (task === undefined) return;
    if (message.type === "done") return task.resolve(message.images);
    if (message.type === "event") {
      if (message.event.type === "started") task.hasStarted = true;
      return task.onEvent?.(message.event);
    }
    const cause = reviveError(message.error);
    task.reject(message.byEngine ? engineFailed(task, cause) : cause, "failed");
  };

  const engineFailed = ({ id }: Pending, cause: Error) =>
    new EngineFailedError(`the engine failed: ${cause.message}`, { id, cause });

  const refuseAll = (reason: UnavailableError) => {
    unavailable = reason;
    for (const task of pending.values()) task.reject(reason, "failed");
  };

  const send = (id: number, { model, request, previews, onEvent }: Pending) =>
    supervisor.post({ type: "run", id, model, request, follow: onEvent !== undefined, previews });

  const start = { models, engine, tensorflow, xla, capacity, deterministic };
  const supervisor = await openSupervisor({ script, start, delays }, {
    onMessage,
    onLost: (cause, died) => {
      heap = null;
      for (const counter of counters.values()) counter.restart();
      for (const task of pending.values()) {
        // A Worker that died does not say whom it was working for: whoever had begun, as far as one can tell.
        if (died && task.hasStarted) task.reject(engineFailed(task, cause), "failed");
        task.hasStarted = false;
      }
    },
    onRestarted: () => pending.forEach((task, id) => send(id, task)),
    onGivenUp: (cause) =>
      refuseAll(new UnavailableError(`the sampling worker could not be started again: ${cause.message}`, { cause })),
  });

  const run: Serving["run"] = async (model, request, options = {}) => {
    const counter = counters.get(model);
    if (counter === undefined) {
      throw new RangeError(`model must be one of ${names.join(", ")}, received ${JSON.stringify(model)}`);
    }
    if (options.deadline !== undefined) checkNumber("deadline", options.deadline, 0);
    if (options.previews !== undefined) checkInteger("previews", options.previews, 0);
    options.signal?.throwIfAborted();
    if (unavailable !== null) throw unavailable;
    admit(counter, request.sampling.n);

    const id = ++lastId;
    const onEnd = (isCancelled: boolean) => {
      pending.delete(id);
      if (isCancelled) supervisor.post({ type: "cancel", id });
    };
    const task = createPending({ ...options, model, request }, { counters: counter, onEnd });
    pending.set(id, task);
    send(id, task);
    return await task.promise;
  };

  const serving: Serving = {
    models: supervisor.infos,
    run,
    get stats() {
      return Array.from(counters.values(), ({ stats }) => stats);
    },
    get heap() {
      return heap;
    },
    onBatch: null,
    get state() {
      return supervisor.state;
    },
    get failure() {
      return supervisor.failure;
    },
    get restarts() {
      return supervisor.restarts;
    },
    close: () => {
      if (unavailable === null) refuseAll(new UnavailableError("it was closed"));
      return supervisor.close();
    },
  };
  return serving;
};
