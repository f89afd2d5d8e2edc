import { checkInteger, checkNumber } from "../core/check.ts";
import { ParameterError, reviveError } from "../sampling/errors.ts";
import { mostWorkOf, type SamplingRequest } from "../sampling/request.ts";
import { type Applicant, LEAST_ROWS, type Place, type Places } from "./places.ts";
import type { Heap } from "./heap.ts";
import {
  type Counters,
  createModelChanges,
  createModelRoster,
  type Ending,
  modelNames,
  type ModelRoster,
} from "./models.ts";
import type { TaskEvent } from "./progress.ts";
import type { BatchReport, FromWorker, ToWorker } from "./protocol.ts";
import {
  DeadlineError,
  EngineFailedError,
  type RunOptions,
  type Serving,
  type ServingOptions,
  UnavailableError,
} from "./serving.ts";
import { openSupervisor, type ReadyMessage, type WorkMessage } from "./supervisor.ts";

/**
 * Checks that a request is none that could never be let in.
 *
 * @param work rows of network calls that it takes
 * @throws {ParameterError} if it takes more than a request may
 */
const checkWork = ({ sampling: { n, steps } }: SamplingRequest, work: number, { most }: Places): void => {
  const each = Math.max(LEAST_ROWS, work / n);
  if (!(n * each > most)) return;
  const images = Math.floor(most / each);
  throw new ParameterError([
    images > 0
      ? { field: "n", received: n, allowed: `at most ${images} with these steps: a request may take ${most} rows` }
      : {
        field: "steps",
        received: steps,
        allowed: `fewer: an image takes ${each} rows with these, and a request may take ${most}`,
      },
  ]);
};

/** The longest time that a timer can take. */
const MAX_DELAY = 2 ** 31 - 1;

/** A request that is under way. */
export interface PendingRequest {
  /** The request's name in errors. */
  readonly id: string;
  /** The model's key. */
  readonly model: number;
  readonly request: SamplingRequest;
  readonly client: string;
  readonly previews: number;
  /** Whether the network may have been asked for it. */
  readonly hasStarted: boolean;
  readonly promise: Promise<Float32Array<ArrayBuffer>>;
  /** Takes note of what has become of it. */
  tell(event: TaskEvent): void;
  /** Takes note that it begins anew. */
  restart(): void;
  resolve(images: Float32Array<ArrayBuffer>): void;
  reject(reason: unknown, how: Ending): void;
}

const takePlace = (applicant: Applicant, { places, end }: Counters): Place => {
  try {
    return places.admit(applicant);
  } catch (error) {
    end(applicant.images, "refused");
    throw error;
  }
};

/**
 * Takes a request under way: from now on it has its place, and its signal and its deadline hold, until it ends.
 *
 * @param work rows of network calls that it takes, at most
 * @param onEnd called when it ends; `cancelled` where the Worker does not know of it yet
 * @throws {QueueFullError} if its client may not have so much now
 */
const createPendingRequest = (
  { id = crypto.randomUUID(), model, request, work, client = "", signal, previews = 0, deadline, onEvent }:
    & { model: number; request: SamplingRequest; work: number }
    & RunOptions,
  { counters, onEnd }: { counters: Counters; onEnd: (cancelled: boolean) => void },
): PendingRequest => {
  const { promise, resolve, reject } = Promise.withResolvers<Float32Array<ArrayBuffer>>();
  const { n } = request.sampling;
  const place = takePlace({ client, images: n, work, deadline }, counters);
  let hasStarted = false;
  let hasEnded = false;

  const end = (how: Ending): boolean => {
    if (hasEnded) return false;
    hasEnded = true;
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    place.free();
    counters.end(n, how);
    onEnd(how === "aborted" || how === "expired");
    return true;
  };
  const refuse = (reason: unknown, how: Ending) => {
    if (end(how)) reject(reason);
  };
  const abort = () => refuse(signal!.reason, signal!.reason instanceof DeadlineError ? "expired" : "aborted");
  const expire = () => refuse(new DeadlineError(`the images were not done in ${deadline} ms`), "expired");

  const timer = deadline === undefined || deadline > MAX_DELAY ? undefined : setTimeout(expire, deadline);
  signal?.addEventListener("abort", abort, { once: true });
  counters.begin(n);

  return {
    id,
    model,
    request,
    client,
    previews,
    get hasStarted() {
      return hasStarted;
    },
    promise,
    tell: (event) => {
      if (event.type === "started") hasStarted = true;
      if (event.type === "step") place.left = work * (1 - event.done / event.total);
      onEvent?.(event);
    },
    restart: () => {
      hasStarted = false;
      place.left = work;
    },
    resolve: (images) => {
      if (end("finished")) resolve(images);
    },
    reject: refuse,
  };
};

/** What the Worker says of a request. */
export type RequestMessage = FromWorker & { type: "event" | "done" | "failed" };

/** The requests under way. */
export interface Requests extends Pick<Serving, "run"> {
  receive(message: RequestMessage): void;
  /** Whether some are under way for the model of this key. */
  isBusy(key: number): boolean;
  /** The Worker is gone. Where it died without a word, those fail that had begun; the others begin anew. */
  restart(cause: Error, died: boolean): void;
  /** Gives all to the next Worker. */
  resend(): void;
  /** Those of one model fail, as their engine did. */
  fail(key: number, cause: Error): void;
  /** All end. */
  refuse(reason: Error): void;
}

const engineFailed = ({ id }: PendingRequest, cause: Error) =>
  new EngineFailedError(`the engine failed: ${cause.message}`, { id, cause });

/**
 * Starts without requests.
 *
 * @param options.post says something to the Worker
 */
const createRequests = (
  roster: ModelRoster,
  { post }: { post: (message: ToWorker & { type: "run" | "cancel" }) => void },
): Requests => {
  const pending = new Map<number, PendingRequest>();
  let lastId = 0;

  const send = (id: number, { model, request, client, previews }: PendingRequest) =>
    post({ type: "run", id, model, request, client, previews });

  return {
    run: async (model, request, options = {}) => {
      if (options.deadline !== undefined) checkNumber("deadline", options.deadline, 0);
      if (options.previews !== undefined) checkInteger("previews", options.previews, 0);
      options.signal?.throwIfAborted();
      const { key, name, counters } = roster.find(model);
      const work = mostWorkOf(request, roster.models.find((info) => info.name === name)!);
      checkWork(request, work, counters.places);

      const id = ++lastId;
      const onEnd = (isCancelled: boolean) => {
        pending.delete(id);
        if (isCancelled) post({ type: "cancel", id });
      };
      const task = createPendingRequest({ ...options, model: key, request, work }, { counters, onEnd });
      pending.set(id, task);
      send(id, task);
      return await task.promise;
    },
    receive: (message) => {
      const task = pending.get(message.id);
      if (task === undefined) return;
      if (message.type === "done") return task.resolve(message.images);
      if (message.type === "event") return task.tell(message.event);
      const cause = reviveError(message.error);
      task.reject(message.byEngine ? engineFailed(task, cause) : cause, "failed");
    },
    isBusy: (key) => pending.values().some(({ model }) => model === key),
    restart: (cause, died) => {
      for (const task of pending.values()) {
        // A Worker that died does not say whom it was working for: whoever had begun, as far as is known.
        if (died && task.hasStarted) task.reject(engineFailed(task, cause), "failed");
        task.restart();
      }
    },
    resend: () => pending.forEach((task, id) => send(id, task)),
    fail: (key, cause) => {
      for (const task of pending.values()) if (task.model === key) task.reject(engineFailed(task, cause), "failed");
    },
    refuse: (reason) => {
      for (const task of pending.values()) task.reject(reason, "failed");
    },
  };
};

export * from "./serving.ts";
export * from "../sampling/errors.ts";
export * from "./serving.ts";
export * from "./progress.ts";

/** Milliseconds before each attempt to start the Worker again. */
const DELAYS = [100, 1000, 5000, 15_000, 30_000];

/**
 * Starts a Worker with the models, and resolves once each has been asked once.
 *
 * Where the engine fails or the Worker dies, another is started with the models that there are then; requests wait for
 * it. A model whose folder cannot be read any more is lost then, unless it is the default one, without which there is no
 * serving.
 *
 * @param setup.script the worker's module, which speaks the messages of protocol.ts
 * @param setup.given what the Worker is to know of where it runs
 * @param setup.sharesMemory whether threads may share memory, which those of a page do only where it is isolated
 * @param setup.delays milliseconds before each attempt to start the Worker again; after as many it is given up
 * @throws {ModelError} (by name) if a folder holds no pipeline that can be read
 */
export const openServing = async (
  { models: folders, capacity = 16, queue = 1e6, maxModels = 16, deterministic = false, ...options }: ServingOptions,
  { script = new URL("./worker.ts", import.meta.url), delays = DELAYS, given, sharesMemory }: {
    script?: URL;
    delays?: readonly number[];
    given?: unknown;
    sharesMemory?: boolean;
  } = {},
): Promise<Serving> => {
  checkInteger("models.length", folders.length, 1);
  checkInteger("capacity", capacity, 2);
  checkInteger("queue", queue, 2 * LEAST_ROWS);
  checkInteger("maxModels", maxModels, 1);
  const roster = createModelRoster({ capacity, queue });
  let unavailable: UnavailableError | null = null;
  let lastLost: Error | null = null;
  let heap: Heap | null = null;
  let memory: Serving["memory"] = { tensors: 0, bytes: 0 };

  const onMessage = (message: WorkMessage) => {
    switch (message.type) {
      case "batch":
        return onBatch(message.report);
      case "added":
      case "removed":
        ({ memory } = message);
        return changes.receive(message);
      case "refused":
        return changes.receive(message);
      default:
        return requests.receive(message);
    }
  };

  const onBatch = (report: BatchReport) => {
    const { model: key, rows, bucket, time, engine } = report;
    const instance = roster.get(key);
    heap = report.heap ?? heap;
    if (instance === undefined) return;
    instance.counters.batch(report);
    serving.onBatch?.({ model: instance.name, rows, bucket, seconds: time / 1000, engineSeconds: engine / 1000 });
  };

  const refuseAll = (reason: UnavailableError) => {
    unavailable = reason;
    requests.refuse(reason);
    changes.fail(reason);
  };

  const onRestarted = ({ lost, memory: held }: ReadyMessage) => {
    memory = held;
    for (const { key, error } of lost) {
      const instance = roster.get(key)!;
      lastLost = new Error(`the model ${instance.name} is lost: ${error.message}`, { cause: reviveError(error) });
      requests.fail(key, lastLost);
      changes.lose(instance);
    }
    requests.resend();
    changes.resume();
  };

  const start = () => ({ ...options, models: roster.toLoad, capacity, deterministic });
  const requests = createRequests(roster, { post: (message) => supervisor.post(message) });
  const changes = createModelChanges(roster, {
    maxModels,
    post: (message) => supervisor.post(message),
    isBusy: ({ key }) => requests.isBusy(key),
    onGone: ({ folder }) => serving.onUnloaded?.(folder),
  });
  modelNames(folders).forEach((name, i) => roster.expect(roster.make(name, folders[i])));
  const supervisor = await openSupervisor({ script, start, delays, given, sharesMemory }, {
    onMessage,
    onLost: (cause, died) => {
      heap = null;
      for (const { counters } of roster.instances) counters.restart();
      lastLost = null;
      requests.restart(cause, died);
      changes.fail(cause);
    },
    onRestarted,
    onGivenUp: (cause) =>
      refuseAll(new UnavailableError(`the sampling worker could not be started again: ${cause.message}`, { cause })),
  });
  for (const { key, info } of supervisor.ready.infos) roster.install(roster.get(key)!, info);
  memory = supervisor.ready.memory;

  const checkAvailable = () => {
    if (unavailable !== null) throw unavailable;
  };

  const run: Serving["run"] = async (...request) => {
    checkAvailable();
    return await requests.run(...request);
  };

  const add: Serving["add"] = async (folder, options) => {
    checkAvailable();
    if (supervisor.state !== "ready") throw new UnavailableError("the engine is being started again");
    return await changes.add(folder, options);
  };

  const remove: Serving["remove"] = (name) => {
    checkAvailable();
    return changes.remove(name);
  };

  const serving: Serving = {
    get models() {
      return roster.models;
    },
    maxModels,
    run,
    add,
    remove,
    get stats() {
      return roster.stats;
    },
    get memory() {
      return memory;
    },
    get heap() {
      return heap;
    },
    onBatch: null,
    onUnloaded: null,
    get state() {
      return supervisor.state;
    },
    get failure() {
      return lastLost ?? supervisor.failure;
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
