import { checkInteger, checkNumber } from "../core/check.ts";
import { admit } from "./admit.ts";
import { createChanges } from "./changes.ts";
import { reviveError } from "./error_description.ts";
import { EngineFailedError, UnavailableError } from "./errors.ts";
import { modelNames } from "./model_names.ts";
import { createPending, type Pending } from "./pending.ts";
import { createRoster } from "./roster.ts";
import type { Serving, ServingOptions } from "./serving.ts";
import { openSupervisor, type ReadyMessage, type WorkMessage } from "./supervisor.ts";

export * from "./errors.ts";
export * from "./serving.ts";

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
 * @param setup.delays milliseconds before each attempt to start the Worker again; after as many it is given up
 * @throws {ModelError} (by name) if a folder holds no pipeline that can be read
 */
export const openServing = async (
  { models: folders, capacity = 16, queue = 256, maxModels = 16, deterministic = false, ...options }: ServingOptions,
  { script = new URL("./worker.ts", import.meta.url), delays = DELAYS }: {
    script?: URL;
    delays?: readonly number[];
  } = {},
): Promise<Serving> => {
  checkInteger("models.length", folders.length, 1);
  checkInteger("capacity", capacity, 2);
  checkInteger("queue", queue, 1);
  checkInteger("maxModels", maxModels, 1);
  const roster = createRoster({ capacity, queue });
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let unavailable: UnavailableError | null = null;
  let lastLost: Error | null = null;
  let memory: Serving["memory"] = { tensors: 0, bytes: 0 };

  const onMessage = (message: WorkMessage) => {
    if (message.type === "batch") {
      const { model: key, rows, bucket, time, engine } = message.report;
      const instance = roster.get(key);
      if (instance === undefined) return;
      const { name, counters } = instance;
      counters.batch(message.report);
      return serving.onBatch?.({ model: name, rows, bucket, seconds: time / 1000, engineSeconds: engine / 1000 });
    }
    if (message.type === "added" || message.type === "removed") ({ memory } = message);
    if (message.type === "added" || message.type === "removed" || message.type === "refused") {
      return changes.hear(message);
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
    changes.fail(reason);
  };

  const send = (id: number, { model, request, previews, onEvent }: Pending) =>
    supervisor.post({ type: "run", id, model, request, follow: onEvent !== undefined, previews });

  const onRestarted = ({ lost, memory: held }: ReadyMessage) => {
    memory = held;
    for (const { key, error } of lost) {
      const instance = roster.get(key)!;
      lastLost = new Error(`the model ${instance.name} is lost: ${error.message}`, { cause: reviveError(error) });
      for (const task of pending.values()) if (task.model === key) task.reject(engineFailed(task, lastLost), "failed");
      changes.lose(instance);
    }
    pending.forEach((task, id) => send(id, task));
    changes.resume();
  };

  const start = () => ({ ...options, models: roster.toLoad, capacity, deterministic });
  const changes = createChanges(roster, {
    maxModels,
    post: (message) => supervisor.post(message),
    isBusy: ({ key }) => pending.values().some(({ model }) => model === key),
    onGone: ({ folder }) => serving.onUnloaded?.(folder),
  });
  modelNames(folders).forEach((name, i) => roster.expect(roster.make(name, folders[i])));
  const supervisor = await openSupervisor({ script, start, delays }, {
    onMessage,
    onLost: (cause, died) => {
      for (const { counters } of roster.instances) counters.restart();
      for (const task of pending.values()) {
        // A Worker that died does not say whom it was working for: whoever had begun, as far as one can tell.
        if (died && task.hasStarted) task.reject(engineFailed(task, cause), "failed");
        task.hasStarted = false;
      }
      changes.fail(cause);
    },
    onRestarted,
    onGivenUp: (cause) =>
      refuseAll(new UnavailableError(`the sampling worker could not be started again: ${cause.message}`, { cause })),
  });
  for (const { key, info } of supervisor.ready.infos) roster.place(roster.get(key)!, info);
  memory = supervisor.ready.memory;

  const checkAvailable = () => {
    if (unavailable !== null) throw unavailable;
  };

  const run: Serving["run"] = async (model, request, options = {}) => {
    if (options.deadline !== undefined) checkNumber("deadline", options.deadline, 0);
    if (options.previews !== undefined) checkInteger("previews", options.previews, 0);
    options.signal?.throwIfAborted();
    checkAvailable();
    const { key, counters } = roster.find(model);
    admit(counters, request.sampling.n);

    const id = ++lastId;
    const onEnd = (isCancelled: boolean) => {
      pending.delete(id);
      if (isCancelled) supervisor.post({ type: "cancel", id });
    };
    const task = createPending({ ...options, model: key, request }, { counters, onEnd });
    pending.set(id, task);
    send(id, task);
    return await task.promise;
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
