/** The engines that can evaluate the network, by the name that `--engine` takes. */
export const ENGINES = ["tensorflow", "wasm", "cpu"] as const;

/** Name of one engine. `cpu` is tfjs's plain JavaScript backend: a reference for tests, far too slow for use. */
export type EngineName = typeof ENGINES[number];

/** Where tensors live: an opened tfjs backend, of which a process (or a Worker) has one. */
export interface Engine {
  readonly name: EngineName;
  /** Version of the library that computes. */
  readonly version: string;
  /** What it computes on, for people to read. */
  readonly device: string;
}
