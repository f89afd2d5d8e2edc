import { type Counters, createCounters } from "./counters.ts";
import { ModelChangedError } from "./errors.ts";
import type { ModelInfo } from "./model_info.ts";
import type { StartOptions } from "./protocol.ts";
import { ParameterError } from "./resolve.ts";
import type { ModelStats } from "./serving.ts";

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
export interface Roster {
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
  /** Lets requests name it, in the place of the one that had the name, which leaves and is returned. */
  place(instance: Instance, info: ModelInfo): Instance | null;
  /** No request can name it any more. */
  retire(instance: Instance): void;
  /** It is gone. */
  forget(instance: Instance): void;
}

/** Starts without models. */
export const createRoster = (options: { capacity: number; queue: number }): Roster => {
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
    place: (instance, info) => {
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
