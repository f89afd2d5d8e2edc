import type { EngineName } from "../engine/engine.ts";
import type { EngineOptions } from "../engine/mod.ts";
import type { ErrorDescription } from "../sampling/errors.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import type { SamplingRequest } from "../sampling/request.ts";
import type { Heap } from "./heap.ts";
import type { TaskEvent } from "./progress.ts";
import type { NetworkCall } from "./scheduler.ts";
import type { EngineMemory } from "./serving.ts";

/** A model, and where it lies. */
export interface ModelLocation {
  /** Tells it from others of its name. */
  readonly key: number;
  readonly name: string;
  /** A diffusers pipeline's. */
  readonly folder: string;
}

/** What the worker is to open. */
export interface StartOptions extends EngineOptions {
  readonly models: readonly (ModelLocation & {
    /** Whether the worker cannot start without it; else, where its folder cannot be read any more, it is lost alone. */
    readonly isNeeded: boolean;
  })[];
  readonly engine: EngineName | "auto";
  readonly capacity: number;
  readonly deterministic: boolean;
}

/** One network call, what is under way, and now and then what the worker's heap holds. */
export interface BatchReport extends NetworkCall {
  /** The model's key. */
  readonly model: number;
  /** Images that have begun and are not finished. */
  readonly live: number;
  readonly heap: Heap | null;
}

/**
 * Messages to the worker: `start` once, `gpu` where it was asked, then any number of requests and changes, then `close`.
 */
export type ToWorker =
  | {
    readonly type: "start";
    readonly options: StartOptions;
    /** One number in shared memory: the messages sent after this one; null where threads share none. */
    readonly sent: Int32Array | null;
    /** What the Worker is to know of where it runs; its platform's own. */
    readonly given: unknown;
  }
  /** Whether WebGPU reaches a graphics card. Not counted in `sent`. */
  | { readonly type: "gpu"; readonly found: boolean }
  | {
    readonly type: "run";
    readonly id: number;
    /** The model's key. */
    readonly model: number;
    readonly request: SamplingRequest;
    /** Who asks. */
    readonly client: string;
    readonly previews: number;
  }
  | { readonly type: "cancel"; readonly id: number }
  /** Load a model beside the others. */
  | { readonly type: "add"; readonly model: ModelLocation }
  /** Unload a model once all that it was asked for is done. */
  | { readonly type: "remove"; readonly key: number }
  | { readonly type: "close" };

/** Messages from the worker. */
export type FromWorker =
  /** It wants a `gpu` message before it is ready. */
  | { readonly type: "seeks-gpu" }
  | {
    readonly type: "ready";
    readonly infos: readonly { readonly key: number; readonly info: ModelInfo }[];
    /** Models whose folders cannot be read any more. */
    readonly lost: readonly { readonly key: number; readonly error: ErrorDescription }[];
    readonly memory: EngineMemory;
  }
  /** It could not start. Nothing follows. */
  | { readonly type: "unready"; readonly error: ErrorDescription }
  | { readonly type: "event"; readonly id: number; readonly event: TaskEvent }
  | { readonly type: "done"; readonly id: number; readonly images: Float32Array<ArrayBuffer> }
  /** A request is refused, its images are none, or `byEngine`, the engine failed on it. */
  | { readonly type: "failed"; readonly id: number; readonly byEngine: boolean; readonly error: ErrorDescription }
  | { readonly type: "batch"; readonly report: BatchReport }
  | { readonly type: "added"; readonly key: number; readonly info: ModelInfo; readonly memory: EngineMemory }
  /** A model was not added. */
  | { readonly type: "refused"; readonly key: number; readonly error: ErrorDescription }
  | { readonly type: "removed"; readonly key: number; readonly memory: EngineMemory }
  /** The engine failed, and the models are unloaded. Nothing follows. */
  | { readonly type: "broken"; readonly error: ErrorDescription }
  /** The models are unloaded, as was asked. Nothing follows. */
  | { readonly type: "closed" };
