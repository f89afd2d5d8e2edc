/**
 * Serving: models preloaded in a Worker, and many requests on them at a time. This file says what one may ask of it;
 * `client.ts` is this thread's side, `host.ts` the Worker's, `protocol.ts` what they say to each other, and
 * `scheduler.ts` decides whose rows share the next network call.
 *
 * It knows nothing of HTTP, jobs or files other than a model's folder; what a request is and how it becomes images is
 * sampling's.
 *
 * @module
 */
import type { EngineName } from "../engine/engine.ts";
import type { EngineOptions } from "../engine/mod.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import type { SamplingRequest } from "../sampling/request.ts";
import type { Heap } from "./heap.ts";
import type { TaskEvent } from "./progress.ts";

/** What the models and all else hold on the engine. */
export interface EngineMemory {
  readonly tensors: number;
  readonly bytes: number;
}

/** What is to be served, and how. */
export interface ServingOptions extends EngineOptions {
  /** Diffusers pipeline folders; the first is the default model. */
  readonly models: readonly string[];
  readonly engine: EngineName | "auto";
  /** Rows of one network call; a guided image takes two. At least 2. @default 16 */
  readonly capacity?: number;
  /** Rows that the network of one model may be asked to evaluate and has not; a request may ask for half. @default 1e6 */
  readonly queue?: number;
  /** Models that may be loaded. @default 16 */
  readonly maxModels?: number;
  /** Whether every network call is padded to the capacity, so that no bits depend on the number of rows. @default false */
  readonly deterministic?: boolean;
}

/** How a request is followed and called off. */
export interface RunOptions {
  /** Names the request in errors and logs. @default a random one */
  readonly id?: string;
  /** Who asks: clients share the queue and the network. @default "" */
  readonly client?: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TaskEvent) => void;
  /** About so many previews, spread evenly over the steps, the first and the last step included. @default 0 */
  readonly previews?: number;
  /** Milliseconds that the request may take, waiting included. @default no limit */
  readonly deadline?: number;
}

/** One network call. */
export interface Batch {
  /** The model's name. */
  readonly model: string;
  /** Rows that were asked for; a guided image has two. */
  readonly rows: number;
  /** Rows that the network evaluated: `rows` and padding. */
  readonly bucket: number;
  /** Seconds of the step: the network call, noise and the samplers' arithmetic. */
  readonly seconds: number;
  /** Seconds of the network call alone. */
  readonly engineSeconds: number;
}

/** What a model does and has done. Counters are since the start, and outlive a restart of the Worker. */
export interface ModelStats {
  /** The model's name. */
  readonly model: string;
  /** Images that have begun and are not done, those that are paused for others included. */
  readonly live: number;
  /** Images that have not begun. */
  readonly waiting: number;
  /** Rows of network calls that are to be done for them, at most, and the clients that asked for them. */
  readonly left: number;
  readonly clients: number;
  /** Rows of one network call, and rows that may be asked for and not done. */
  readonly capacity: number;
  readonly queue: number;
  /** Network calls, the rows they were asked for, and the rows of padding. */
  readonly batches: number;
  readonly rows: number;
  readonly padding: number;
  /** Seconds of all steps, and of their network calls alone. */
  readonly seconds: number;
  readonly engineSeconds: number;
  /** Requests by how they ended. */
  readonly finished: number;
  readonly aborted: number;
  readonly expired: number;
  readonly failed: number;
  readonly refused: number;
}

/** How a model is added. */
export interface AddOptions {
  /** What requests call it. */
  readonly name: string;
  /** @default false */
  readonly replace?: boolean;
}

/** Models in a Worker, seen from the thread that started it. */
export interface Serving {
  /** The models, the default one first; the same array until they change. */
  readonly models: readonly ModelInfo[];
  /** Models that may be loaded. */
  readonly maxModels: number;
  /** What the models hold on the engine. */
  readonly memory: EngineMemory;
  /**
   * Makes the images of a request: n·H·W·C values, NHWC, in [-1, 1] in so far as the model clips.
   *
   * After a failure of the engine, requests that had no part in it begin anew on the next Worker, by themselves; an image
   * is the same whenever it is made.
   *
   * @param model one of `models`, or its name
   * @throws {ParameterError} if there is no such model, or the request asks for what no model can do, or for too much
   * @throws {ModelChangedError} if `model` is none of `models` any more, but another of its name
   * @throws {ScheduleError} if the model's noise schedule does not allow it
   * @throws {NonFiniteImageError} if an image comes out with values that are not finite
   * @throws {QueueFullError} if its client has asked for as much as it may now
   * @throws {DeadlineError} once its time is over
   * @throws {EngineFailedError} if the network failed on it
   * @throws {UnavailableError} if nothing is served any more
   * @throws the signal's reason once it is aborted
   */
  run(model: string | ModelInfo, request: SamplingRequest, options?: RunOptions): Promise<Float32Array<ArrayBuffer>>;
  /**
   * Loads a model beside the others, which go on meanwhile. Where it fails nothing has changed.
   *
   * @param folder a diffusers pipeline's
   * @param options.replace whether it replaces the one that has the name, which ends what it has begun
   * @throws {ModelConflictError} if the name is taken, or there are as many models as may be
   * @throws {ModelRefusedError} if the folder holds no model that can be served
   * @throws {EngineFailedError} if the engine failed on it
   * @throws {UnavailableError} if there is no Worker that could load it now
   */
  add(folder: string, options: AddOptions): Promise<ModelInfo>;
  /**
   * Lets requests name a model no more, from now on. What was asked of it is done, then its memory is freed.
   *
   * @throws {NoModelError} if there is none of that name
   * @throws {ModelConflictError} if it is the default one
   * @returns resolves when it is unloaded
   */
  remove(name: string): Promise<void>;
  /** One entry a model, as it is at this moment. */
  readonly stats: readonly ModelStats[];
  /** What the Worker's heap held when it last said so, as it does with its network calls; null before. */
  readonly heap: Heap | null;
  /** Called after each network call. */
  onBatch: ((batch: Batch) => void) | null;
  /** Called when a model is unloaded that was added, replaced or removed, with its folder: nobody reads it any more. */
  onUnloaded: ((folder: string) => void) | null;
  /** "restarting": requests wait; "failed": the Worker could not be started again, or was closed, and they are refused. */
  readonly state: "ready" | "restarting" | "failed";
  /** What the Worker last failed of; null if it never has. */
  readonly failure: Error | null;
  /** Restarts of the Worker so far. */
  readonly restarts: number;
  /** Ends the Worker. What is under way fails. */
  close(): Promise<void>;
}

/** The queue has no room for a request: try again later. */
export class QueueFullError extends Error {
  override name = "QueueFullError";
  /** Seconds after which there may be room; at least 1. */
  readonly retryAfter: number;

  constructor(message: string, { retryAfter = 1 }: { retryAfter?: number } = {}) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** A request was not done in the time that it gave. */
export class DeadlineError extends Error {
  override name = "DeadlineError";
}

/** The engine failed, or its Worker died, while it worked on a request. The same request may well succeed later. */
export class EngineFailedError extends Error {
  override name = "EngineFailedError";
  /** The request's, as `RunOptions` gave it. */
  readonly id: string;

  constructor(message: string, { id, cause }: { id: string; cause?: unknown }) {
    super(message, { cause });
    this.id = id;
  }
}

/** Nothing is served any more: it was closed, or the Worker could not be started again. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

/** A model cannot be added, replaced or removed as the models are. */
export class ModelConflictError extends Error {
  override name = "ModelConflictError";
}

/** A folder holds no model that can be served. Its message is one line. */
export class ModelRefusedError extends Error {
  override name = "ModelRefusedError";
}

/** There is no model of that name. */
export class NoModelError extends Error {
  override name = "NoModelError";
}

/** The model was replaced or removed after a request had been prepared for it: ask again. */
export class ModelChangedError extends Error {
  override name = "ModelChangedError";
}
