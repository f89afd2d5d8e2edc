import type { EngineName } from "../engine/engine.ts";
import type { XlaChoice } from "../engine/xla.ts";
import type { ModelInfo } from "./model_info.ts";
import type { ResolvedSampling } from "./resolve.ts";
import { type Progress, QueueFullError } from "./task.ts";

/** What the worker is to open. */
export interface StartOptions {
  /** A diffusers pipeline folder. */
  readonly folder: string;
  readonly engine: EngineName | "auto";
  /** TensorFlow's library, in place of one that is looked for. */
  readonly tensorflow?: string;
  /** Whether XLA is to compile the network; `off` if not given. */
  readonly xla?: XlaChoice;
  /** Rows of one network call. */
  readonly capacity?: number;
  /** Images that may wait. */
  readonly queue?: number;
}

/** Messages to the worker: `start` once, then any number of requests. */
export type ToWorker =
  | { readonly type: "start"; readonly options: StartOptions }
  | { readonly type: "generate"; readonly id: number; readonly sampling: ResolvedSampling }
  | { readonly type: "cancel"; readonly id: number };

/** Messages from the worker. A failure without an id is the worker's own. */
export type FromWorker =
  | { readonly type: "ready"; readonly info: ModelInfo }
  | { readonly type: "step"; readonly id: number; readonly progress: Progress }
  | { readonly type: "done"; readonly id: number; readonly images: Float32Array }
  | { readonly type: "failed"; readonly id: number | null; readonly name: string; readonly message: string };

/** What a failure says of an error. */
export const describeError = (error: unknown): { name: string; message: string } =>
  error instanceof Error ? { name: error.name, message: error.message } : { name: "Error", message: String(error) };

/** The error that a failure describes: its class where it is known here, else an Error of its name. */
export const reviveError = ({ name, message }: { name: string; message: string }): Error => {
  if (name === "QueueFullError") return new QueueFullError(message);
  if (name in Deno.errors) return new Deno.errors[name as keyof typeof Deno.errors](message);
  const error = new Error(message);
  error.name = name;
  return error;
};
