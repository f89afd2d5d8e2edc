import type { Xla } from "./xla.ts";

/** The engines that can evaluate the network, by the name that `--engine` takes. */
export const ENGINES = ["tensorflow", "webgpu", "webgpu-software", "wasm", "cpu"] as const;

/**
 * Name of one engine. `webgpu` takes a graphics card alone; `webgpu-software` computes on the processor what a card would,
 * and `cpu` is tfjs's plain JavaScript backend: both are for tests, too slow for use.
 */
export type EngineName = typeof ENGINES[number];

/** Where tensors live: an opened tfjs backend, of which a process (or a Worker) has one. */
export interface Engine {
  readonly name: EngineName;
  /** Version of the library that computes. */
  readonly version: string;
  /** What it computes on, for people to read. */
  readonly device: string;
  /** Whether a compiled function is made for each shape by itself, so that batches had better come in few sizes. */
  readonly compiles?: boolean;
  /** How functions are to be compiled here; not by XLA if not given. */
  readonly xla?: Xla;
  /** File of the library that computes, where it is not part of this program. */
  readonly library?: string;
}
