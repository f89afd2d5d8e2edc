import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "../engine/mod.ts";
import type { Pipeline } from "../model/pipeline.ts";
import { compileTask, type SamplingTask } from "../sampling/compile.ts";
import { describeError, NonFiniteImageError } from "../sampling/errors.ts";
import { type LoadedModel, loadModel, type ModelInfo } from "../sampling/loaded_model.ts";
import type { Heap } from "./heap.ts";
import type { TaskEvent } from "./progress.ts";
import type { FromWorker, ModelLocation, ToWorker } from "./protocol.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import type { EngineMemory } from "./serving.ts";
import { createTimeSharing } from "./time_sharing.ts";

/** What to do while there is nothing to do. */
export interface WarmUp {
  add(model: LoadedModel): void;
  /** Leaves a model out from now on. */
  remove(model: LoadedModel): void;
  /** Does the next piece; true if there was one. */
  next(): boolean;
}

/**
 * The networks are compiled for the sizes of a call that were not needed yet, one size at a time, the smaller ones first.
 * Where a request needs a size before its turn, it is compiled then.
 *
 * @param options.compiles whether the engine compiles each size by itself; nothing is done where it does not
 */
export const createWarmUp = ({ capacity, compiles }: { capacity: number; compiles: boolean }): WarmUp => {
  let pieces: { readonly model: LoadedModel; readonly rows: number }[] = [];

  const piecesOf = (model: LoadedModel) => {
    const sizes = new Set(Array.from({ length: capacity }, (_, i) => model.network.bucketOf(i + 1)));
    return [...sizes].filter((rows) => rows > model.network.bucketOf(1)).map((rows) => ({ model, rows }));
  };

  return {
    add: (model) => {
      if (compiles) pieces = [...pieces, ...piecesOf(model)].sort((a, b) => a.rows - b.rows);
    },
    remove: (model) => {
      pieces = pieces.filter((piece) => piece.model !== model);
    },
    next: () => {
      const piece = pieces.shift();
      piece?.model.warm(Math.min(piece.rows, capacity));
      return piece !== undefined;
    },
  };
};

/** The models on an engine, each with its scheduler. */
export interface Host {
  /**
   * Puts a model beside the others.
   *
   * @throws whatever the engine does; then it is not there
   */
  add(location: Pick<ModelLocation, "key" | "name">, pipeline: Pipeline): ModelInfo;
  /** Unloads a model, once all that it was asked for is done. */
  remove(key: number): void;
  run(message: ToWorker & { type: "run" }): void;
  cancel(id: number): void;
  readonly memory: EngineMemory;
  /** Ends: all models are unloaded, whatever they do. */
  close(): void;
}

interface Served extends LoadedModel {
  readonly scheduler: Scheduler;
  /** Whether it is to be unloaded. */
  isLeaving: boolean;
}

/**
 * Makes a host without models.
 *
 * @param options.heap what the heap of its thread holds, now and then
 * @param options.pause lets messages through between two turns
 * @param options.post receives what becomes of requests and models, and once that it is broken, if the engine fails
 */
export const createHost = (
  engine: Engine,
  { capacity, deterministic, heap, pause, post }: {
    capacity: number;
    deterministic: boolean;
    heap: () => Heap | null;
    pause: () => Promise<void>;
    post: (message: FromWorker, transfer?: Transferable[]) => void;
  },
): Host => {
  const served = new Map<number, Served>();
  const cancellers = new Map<number, AbortController>();
  const warmUp = createWarmUp({ capacity, compiles: engine.compilesFor === "each shape" });
  const memory = (): EngineMemory => {
    const { numTensors: tensors, numBytes: bytes } = tf.memory();
    return { tensors, bytes };
  };
  const close = () => {
    turns.stop();
    for (const { network } of served.values()) network.dispose();
    served.clear();
  };
  const turns = createTimeSharing({
    pause,
    idle: warmUp.next,
    onError: (error) => {
      try {
        close();
      } finally {
        post({ type: "broken", error: describeError(error) });
      }
    },
  });

  const add: Host["add"] = ({ key, name }, pipeline) => {
    const model = loadModel(name, pipeline, engine, { bucket: deterministic ? capacity : undefined });
    const scheduler = createScheduler(model.network, {
      capacity,
      nullLabel: model.info.nullLabel,
      bucketOf: model.network.bucketOf,
      timeSharing: turns,
      onStep: (step) => {
        post({ type: "batch", report: { ...step, model: key, live: scheduler.load.live, heap: heap() } });
      },
    });
    served.set(key, { ...model, scheduler, isLeaving: false });
    warmUp.add(served.get(key)!);
    turns.wake();
    return model.info;
  };

  const unloadIfDone = (key: number) => {
    const model = served.get(key);
    if (!model?.isLeaving || model.scheduler.load.left > 0) return;
    served.delete(key);
    model.scheduler.close();
    warmUp.remove(model);
    model.network.dispose();
    post({ type: "removed", key, memory: memory() });
  };

  const postEvent = (id: number, event: TaskEvent) => {
    const { preview } = event.type === "step" ? event : {};
    post({ type: "event", id, event }, preview ? [preview.x.buffer, preview.x0.buffer] as ArrayBuffer[] : []);
  };

  const compile = ({ id, model, request }: ToWorker & { type: "run" }): SamplingTask | null => {
    try {
      return compileTask(request, served.get(model)!.target);
    } catch (error) {
      post({ type: "failed", id, byEngine: false, error: describeError(error) });
      return null;
    }
  };

  const run = async (message: ToWorker & { type: "run" }) => {
    const { id, model, client, previews } = message;
    const task = compile(message);
    if (task === null) return;
    const canceller = new AbortController();
    cancellers.set(id, canceller);
    try {
      const images = await served.get(model)!.scheduler.submit(task, {
        client,
        signal: canceller.signal,
        previews,
        onQueued: (position) => postEvent(id, { type: "queued", position }),
        onStarted: () => postEvent(id, { type: "started" }),
        onStep: (progress) => postEvent(id, { type: "step", ...progress }),
      });
      post({ type: "done", id, images }, [images.buffer]);
    } catch (error) {
      if (canceller.signal.aborted) return;
      // The engine has done its part: what it computes by this model's weights is no image.
      const byEngine = !(error instanceof NonFiniteImageError);
      post({ type: "failed", id, byEngine, error: describeError(error) });
    } finally {
      cancellers.delete(id);
      unloadIfDone(model);
    }
  };

  return {
    add,
    remove: (key) => {
      const model = served.get(key);
      if (model) model.isLeaving = true;
      unloadIfDone(key);
    },
    run,
    cancel: (id) => cancellers.get(id)?.abort(),
    get memory() {
      return memory();
    },
    close,
  };
};
