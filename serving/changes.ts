import { reviveError } from "./error_description.ts";
import { EngineFailedError, ModelConflictError, ModelRefusedError, NoModelError } from "./errors.ts";
import type { ModelInfo } from "./model_info.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import type { Instance, Roster } from "./roster.ts";
import type { Serving } from "./serving.ts";

/** What the Worker says of a change. */
export type ChangeMessage = FromWorker & { type: "added" | "refused" | "removed" };

/** Changes of the models while requests go on. */
export interface Changes extends Pick<Serving, "add" | "remove"> {
  hear(message: ChangeMessage): void;
  /** The Worker is gone: what it was loading is not loaded. */
  fail(cause: Error): void;
  /** A model is lost. */
  lose(instance: Instance): void;
  /** Tells the next Worker which models leave; those with nothing left to do are gone already. */
  resume(): void;
}

/** Errors that tell of what is in the folder, by name. */
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
 * @param options.onGone is told of each model that is unloaded
 */
export const createChanges = (
  roster: Roster,
  { maxModels, post, isBusy, onGone }: {
    maxModels: number;
    post: (message: ToWorker & { type: "add" | "remove" }) => void;
    isBusy: (instance: Instance) => boolean;
    onGone: (instance: Instance) => void;
  },
): Changes => {
  const added = new Map<number, { instance: Instance; settle: PromiseWithResolvers<ModelInfo> }>();
  const removed = new Map<number, () => void>();

  const leave = (instance: Instance) => post({ type: "remove", key: instance.key });

  const add: Changes["add"] = async (folder, { name, replace = false }) => {
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

  const remove: Changes["remove"] = (name) => {
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
    hear: (message) => {
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
      const before = roster.place(instance, message.info);
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
