import { checkInteger } from "../core/check.ts";
import { createChanges } from "./changes.ts";
import { reviveError } from "./error_description.ts";
import { UnavailableError } from "./errors.ts";
import type { Heap } from "./heap.ts";
import { modelNames } from "./model_names.ts";
import type { BatchReport } from "./protocol.ts";
import { createRequests } from "./requests.ts";
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
        return changes.hear(message);
      case "refused":
        return changes.hear(message);
      default:
        return requests.hear(message);
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
  const changes = createChanges(roster, {
    maxModels,
    post: (message) => supervisor.post(message),
    isBusy: ({ key }) => requests.isBusy(key),
    onGone: ({ folder }) => serving.onUnloaded?.(folder),
  });
  modelNames(folders).forEach((name, i) => roster.expect(roster.make(name, folders[i])));
  const supervisor = await openSupervisor({ script, start, delays }, {
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
  for (const { key, info } of supervisor.ready.infos) roster.place(roster.get(key)!, info);
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
