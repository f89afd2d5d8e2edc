import type { TaskEvent } from "../../serving/progress.ts";
import type { Serving } from "../../serving/serving.ts";
import type { Codec } from "../codec/client.ts";
import { createEventLog, type EventLog } from "../events/event_log.ts";
import { StoppingError } from "../failures.ts";
import type { Drawing } from "../output/drawing.ts";
import { traced } from "../telemetry.ts";
import type { Order } from "./order.ts";
import { createTeller } from "./tell.ts";

/** Images that are being drawn. */
export interface Running {
  /** What happens to them: `queued`, `started`, `step`. Who started it adds how it ended, and ends it. */
  readonly events: EventLog;
  /** Resolves once they are queued or drawn; rejects if they are refused. */
  readonly begun: Promise<void>;
  /** When the first step began; null before. */
  readonly startedAt: Date | null;
  /** Network steps done over all images, of those they take together; null before the first. */
  readonly progress: { readonly done: number; readonly total: number } | null;
  readonly drawing: Promise<Drawing>;
  /** Gives them up: `drawing` rejects with the reason. */
  cancel(reason: Error): void;
}

/** What drawing stands on. */
export interface DrawDependencies {
  readonly serving: Serving;
  readonly encoder: Codec;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
}

/** How a drawing is followed. */
export interface DrawOptions {
  /** Names it in errors, logs and spans. */
  readonly id: string;
  /** About so many frames are kept. */
  readonly frames: number;
  /** Whether the frames are shown in the events as well. */
  readonly shown: boolean;
}

/** Draws what was ordered. */
export const draw = (
  order: Order,
  { serving, encoder, stopping }: DrawDependencies,
  { id, frames: wanted, shown }: DrawOptions,
): Running => {
  const { model, head, prepared, seconds } = order;
  const { source, columns, labels, finish } = prepared;
  const shape = { height: model.height, width: model.width, channels: model.channels };
  const controller = new AbortController();
  const queued = Promise.withResolvers<void>();
  const events = createEventLog();
  // By their step: a request that begins anew on another engine comes by each again.
  const frames = new Map<number, Uint8Array<ArrayBuffer>>();
  const asked = Date.now();
  let startedAt: Date | null = null;
  let progress: Running["progress"] = null;
  const teller = createTeller(events, { encoder, shape, columns, shown });

  const onEvent = (event: TaskEvent) => {
    queued.resolve();
    if (event.type === "started") startedAt = new Date();
    if (event.type === "step") progress = { done: event.done, total: event.total };
    if (event.type === "step" && event.preview) frames.set(event.preview.step, new Uint8Array(event.preview.x));
    teller.tell(event);
  };
  const stop = () => controller.abort(new StoppingError("the server is stopping"));

  const sample = async () => {
    if (source instanceof Float32Array) return source;
    const { n, steps, sampler, seed } = source.sampling;
    const attributes = {
      "denoise.task": head.task,
      "denoise.model": model.name,
      "denoise.request": id,
      "denoise.n": n,
      "denoise.steps": steps,
      "denoise.sampler": sampler,
      "denoise.seed": seed,
    };
    return await traced("denoise.sample", attributes, () =>
      serving.run(model, source, {
        id,
        signal: controller.signal,
        onEvent,
        previews: wanted,
        deadline: seconds * 1000,
      }));
  };

  const run = async (): Promise<Drawing> => {
    stopping.addEventListener("abort", stop);
    if (stopping.aborted) stop();
    try {
      controller.signal.throwIfAborted();
      const finished = finish(await sample());
      const taken = (Date.now() - asked) / 1000;
      await teller.told();
      const waiting = startedAt === null ? 0 : ((startedAt as Date).getTime() - asked) / 1000;
      return {
        head,
        shape,
        labels,
        columns,
        measures: {},
        frames: [...frames.values()],
        seconds: { waiting, drawing: taken - waiting },
        ...finished,
      };
    } finally {
      stopping.removeEventListener("abort", stop);
    }
  };

  const drawing = run();
  drawing.catch(() => {});
  const begun = Promise.race([queued.promise, drawing.then(() => {})]);
  begun.catch(() => {});
  return {
    events,
    begun,
    drawing,
    get startedAt() {
      return startedAt;
    },
    get progress() {
      return progress;
    },
    cancel: (reason) => controller.abort(reason),
  };
};
