import { checkInteger, checkNumber } from "../core/check.ts";
import { admit } from "./admit.ts";
import { reviveError } from "./error_description.ts";
import { EngineFailedError } from "./errors.ts";
import { createPending, type Pending } from "./pending.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import type { Roster } from "./roster.ts";
import type { Serving } from "./serving.ts";

/** What the Worker says of a request. */
export type RequestMessage = FromWorker & { type: "event" | "done" | "failed" };

/** The requests under way. */
export interface Requests extends Pick<Serving, "run"> {
  hear(message: RequestMessage): void;
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

const engineFailed = ({ id }: Pending, cause: Error) =>
  new EngineFailedError(`the engine failed: ${cause.message}`, { id, cause });

/**
 * Starts without requests.
 *
 * @param options.post says something to the Worker
 */
export const createRequests = (
  roster: Roster,
  { post }: { post: (message: ToWorker & { type: "run" | "cancel" }) => void },
): Requests => {
  const pending = new Map<number, Pending>();
  let lastId = 0;

  const send = (id: number, { model, request, previews, onEvent }: Pending) =>
    post({ type: "run", id, model, request, follow: onEvent !== undefined, previews });

  return {
    run: async (model, request, options = {}) => {
      if (options.deadline !== undefined) checkNumber("deadline", options.deadline, 0);
      if (options.previews !== undefined) checkInteger("previews", options.previews, 0);
      options.signal?.throwIfAborted();
      const { key, counters } = roster.find(model);
      admit(counters, request.sampling.n);

      const id = ++lastId;
      const onEnd = (isCancelled: boolean) => {
        pending.delete(id);
        if (isCancelled) post({ type: "cancel", id });
      };
      const task = createPending({ ...options, model: key, request }, { counters, onEnd });
      pending.set(id, task);
      send(id, task);
      return await task.promise;
    },
    hear: (message) => {
      const task = pending.get(message.id);
      if (task === undefined) return;
      if (message.type === "done") return task.resolve(message.images);
      if (message.type === "event") {
        if (message.event.type === "started") task.hasStarted = true;
        return task.onEvent?.(message.event);
      }
      const cause = reviveError(message.error);
      task.reject(message.byEngine ? engineFailed(task, cause) : cause, "failed");
    },
    isBusy: (key) => pending.values().some(({ model }) => model === key),
    restart: (cause, died) => {
      for (const task of pending.values()) {
        // A Worker that died does not say whom it was working for: whoever had begun, as far as one can tell.
        if (died && task.hasStarted) task.reject(engineFailed(task, cause), "failed");
        task.hasStarted = false;
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
