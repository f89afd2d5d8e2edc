import { basename } from "@std/path";
import { ParameterError, reviveError } from "../sampling/errors.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import { createPlaces, type Places } from "./places.ts";
import type { BatchReport, FromWorker, StartOptions, ToWorker } from "./protocol.ts";
import {
  EngineFailedError,
  ModelChangedError,
  ModelConflictError,
  ModelRefusedError,
  type ModelStats,
  NoModelError,
  type Serving,
} from "./serving.ts";

/**
 * What requests call the models in these folders: the base name of each, the second of a name with -2 behind it, and so
 * on.
 */
export const modelNames = (folders: readonly string[]): string[] => {
  const names = new Set<string>();
  for (const folder of folders) {
    const base = /[^./\\]/.test(basename(folder)) ? basename(folder) : "model";
    let name = base;
    for (let count = 2; names.has(name); count++) name = `${base}-${count}`;
    names.add(name);
  }
  return [...names];
};

/** How a request can end. */
export type Ending = "finished" | "aborted" | "expired" | "failed" | "refused";

/** Counts what a model does. */
export interface Counters {
  /** Who may wait. */
  readonly places: Places;
  readonly stats: ModelStats;
  /** Takes note of a request of n images. */
  begin(n: number): void;
  /** Takes note that it ended; a refused one never began. */
  end(n: number, how: Ending): void;
  /** Takes note of a network call of one of the models that have had the name. */
  batch(report: BatchReport): void;
  /** Takes note that the model of this key is gone. */
  forget(key: number): void;
  /** Takes note that the Worker is gone, and what had begun is to begin anew. */
  restart(): void;
}

/** Starts to count, at 0. */
const createCounters = (
  { model, capacity, queue }: { model: string; capacity: number; queue: number },
): Counters => {
  const total = { batches: 0, rows: 0, padding: 0, seconds: 0, engineSeconds: 0 };
  const ended = { finished: 0, aborted: 0, expired: 0, failed: 0, refused: 0 };
  /** Of each model of the name, by its key: one that was replaced ends what it has begun. */
  const live = new Map<number, number>();
  const places = createPlaces(queue);
  let pending = 0;

  return {
    places,
    get stats() {
      const begun = Math.min(live.values().reduce((sum, images) => sum + images, 0), pending);
      const { left, clients } = places;
      return { model, live: begun, waiting: pending - begun, left, clients, capacity, queue, ...total, ...ended };
    },
    begin: (n) => {
      pending += n;
    },
    end: (n, how) => {
      if (how !== "refused") pending -= n;
      ended[how]++;
    },
    batch: (report) => {
      live.set(report.model, report.live);
      places.record(report.rows, report.time / 1000);
      total.batches++;
      total.rows += report.rows;
      total.padding += report.bucket - report.rows;
      total.seconds += report.time / 1000;
      total.engineSeconds += report.engine / 1000;
    },
    forget: (key) => void live.delete(key),
    restart: () => {
      live.clear();
      places.pause();
    },
  };
};

/** A model on the Worker: one that requests can name, or one that was replaced or removed and ends what it has begun. */
export interface Instance {
  /** Tells it from others of its name. */
  readonly key: number;
  readonly name: string;
  readonly folder: string;
  /** Those of its name. */
  readonly counters: Counters;
}

/** Which models there are. */
export interface ModelRoster {
  /** Those that requests can name, the default one first; the same array until it changes. */
  readonly models: readonly ModelInfo[];
  /** One entry a name, of those too that end what they have begun. */
  readonly stats: readonly ModelStats[];
  /** What a Worker that is started now is to load: the default one must be read, the others may be lost. */
  readonly toLoad: StartOptions["models"];
  /** All of them. */
  readonly instances: readonly Instance[];
  /** Those that end what they have begun. */
  readonly leaving: readonly Instance[];
  has(name: string): boolean;
  get(key: number): Instance | undefined;
  /**
   * The one that a request means.
   *
   * @throws {ParameterError} if none has the name
   * @throws {ModelChangedError} if it is not the one that was described
   */
  find(model: string | ModelInfo): Instance;
  /** Makes one of this name, which is not there yet. */
  make(name: string, folder: string): Instance;
  /** It is to be loaded by the first Worker. */
  expect(instance: Instance): void;
  /** Lets requests name it, instead of the one that had the name, which leaves and is returned. */
  install(instance: Instance, info: ModelInfo): Instance | null;
  /** No request can name it any more. */
  retire(instance: Instance): void;
  /** It is gone. */
  forget(instance: Instance): void;
}

/** Starts without models. */
export const createModelRoster = (options: { capacity: number; queue: number }): ModelRoster => {
  const instances = new Map<number, Instance>();
  const counters = new Map<string, Counters>();
  let served: { readonly instance: Instance; readonly info: ModelInfo }[] = [];
  let models: readonly ModelInfo[] = [];
  let lastKey = 0;

  const serve = (next: typeof served) => {
    served = next;
    models = next.map(({ info }) => info);
  };
  const current = (name: string) => served.find(({ instance }) => instance.name === name);
  const isServed = (instance: Instance) => current(instance.name)?.instance === instance;
  const retire = (instance: Instance) => serve(served.filter((entry) => entry.instance !== instance));

  return {
    get models() {
      return models;
    },
    get stats() {
      return Array.from(new Set([...served.map(({ instance }) => instance), ...instances.values()].map((a) => a.name)))
        .map((name) => counters.get(name)!.stats);
    },
    get toLoad() {
      return Array.from(instances.values(), (instance) => {
        const { key, name, folder } = instance;
        return { key, name, folder, isNeeded: served.length === 0 || served[0].instance === instance };
      });
    },
    get instances() {
      return [...instances.values()];
    },
    get leaving() {
      return [...instances.values()].filter((instance) => !isServed(instance));
    },
    has: (name) => current(name) !== undefined,
    get: (key) => instances.get(key),
    find: (model) => {
      const name = typeof model === "string" ? model : model.name;
      const found = current(name);
      if (found !== undefined && (typeof model === "string" || found.info === model)) return found.instance;
      if (typeof model !== "string") throw new ModelChangedError(`the model ${name} was replaced or removed meanwhile`);
      const allowed = `one of ${served.map(({ instance }) => instance.name).join(", ")}`;
      throw new ParameterError([{ field: "model", received: name, allowed }]);
    },
    make: (name, folder) => {
      const own = counters.get(name) ?? createCounters({ model: name, ...options });
      counters.set(name, own);
      return { key: ++lastKey, name, folder, counters: own };
    },
    expect: (instance) => void instances.set(instance.key, instance),
    install: (instance, info) => {
      const { key, name } = instance;
      instances.set(key, instance);
      const before = current(name);
      const entry = { instance, info };
      serve(before ? served.map((other) => other === before ? entry : other) : [...served, entry]);
      return before?.instance ?? null;
    },
    retire,
    forget: (instance) => {
      retire(instance);
      const { key, name } = instance;
      instances.delete(key);
      instance.counters.forget(key);
      if (!instances.values().some((other) => other.name === name)) counters.delete(name);
    },
  };
};

/** What the Worker says of a change. */
export type ChangeMessage = FromWorker & { type: "added" | "refused" | "removed" };

/** Changes of the models while requests go on. */
export interface ModelChanges extends Pick<Serving, "add" | "remove"> {
  receive(message: ChangeMessage): void;
  /** The Worker is gone: what it was loading is not loaded. */
  fail(cause: Error): void;
  /** A model is lost. */
  lose(instance: Instance): void;
  /** Tells the next Worker which models leave; those with nothing left to do are gone already. */
  resume(): void;
}

/** Errors that are of what is in the folder, by name. */
const REFUSALS = new Set(["ModelError", "RangeError"]);

const refusal = (name: string, error: Error): Error =>
  REFUSALS.has(error.name)
    ? new ModelRefusedError(error.message, { cause: error })
    : new EngineFailedError(`the engine failed: ${error.message}`, { id: name, cause: error });

/**
 * Makes the changes to a roster that the Worker can follow.
 *
 * @param options.post says something to the Worker
 * @param options.isBusy whether requests of a model are under way
 * @param options.onGone called with each model that is unloaded
 */
export const createModelChanges = (
  roster: ModelRoster,
  { maxModels, post, isBusy, onGone }: {
    maxModels: number;
    post: (message: ToWorker & { type: "add" | "remove" }) => void;
    isBusy: (instance: Instance) => boolean;
    onGone: (instance: Instance) => void;
  },
): ModelChanges => {
  const added = new Map<number, { instance: Instance; settle: PromiseWithResolvers<ModelInfo> }>();
  const removed = new Map<number, () => void>();

  const leave = (instance: Instance) => post({ type: "remove", key: instance.key });

  const add: ModelChanges["add"] = async (folder, { name, replace = false }) => {
    if (added.values().some(({ instance }) => instance.name === name)) {
      throw new ModelConflictError(`a model ${name} is being loaded`);
    }
    if (roster.has(name) && !replace) {
      throw new ModelConflictError(`there is a model ${name}, and replace is not asked for`);
    }
    const others = added.values().filter(({ instance }) => !roster.has(instance.name)).toArray().length;
    if (!roster.has(name) && roster.models.length + others >= maxModels) {
      throw new ModelConflictError(
        `${roster.models.length + others} models are loaded, and no more may be: remove one`,
      );
    }
    const instance = roster.make(name, folder);
    const settle = Promise.withResolvers<ModelInfo>();
    added.set(instance.key, { instance, settle });
    post({ type: "add", model: { key: instance.key, name, folder } });
    return await settle.promise;
  };

  const remove: ModelChanges["remove"] = (name) => {
    if (!roster.has(name)) throw new NoModelError(`there is no model ${JSON.stringify(name)}`);
    const instance = roster.find(name);
    if (roster.models[0].name === name) throw new ModelConflictError(`${name} is the default model, which stays`);
    const { promise, resolve } = Promise.withResolvers<void>();
    removed.set(instance.key, resolve);
    roster.retire(instance);
    leave(instance);
    return promise;
  };

  const forget = (instance: Instance) => {
    roster.forget(instance);
    removed.get(instance.key)?.();
    removed.delete(instance.key);
    onGone(instance);
  };

  return {
    add,
    remove,
    receive: (message) => {
      // After the end of all nobody waits for what the Worker still says.
      const leaving = roster.get(message.key);
      if (message.type === "removed") return leaving && forget(leaving);
      const addition = added.get(message.key);
      if (addition === undefined) return;
      const { instance, settle } = addition;
      added.delete(message.key);
      if (message.type === "refused") {
        roster.forget(instance);
        return settle.reject(refusal(instance.name, reviveError(message.error)));
      }
      const before = roster.install(instance, message.info);
      if (before !== null) leave(before);
      settle.resolve(message.info);
    },
    fail: (cause) => {
      for (const { instance, settle } of added.values()) {
        roster.forget(instance);
        settle.reject(refusal(instance.name, new Error(cause.message, { cause })));
      }
      added.clear();
      for (const instance of roster.leaving) if (!isBusy(instance)) forget(instance);
    },
    lose: forget,
    resume: () => roster.leaving.forEach(leave),
  };
};
