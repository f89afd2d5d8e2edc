import { type Program, startJsonProcess } from "../json_process.ts";

/** What a contender is asked to time. */
export interface Operation {
  readonly operation: "step" | "train";
  readonly rows: number;
}

/** A question whose answer is the same for all: ε_θ of one image (NHWC, class 0 where there are classes). */
export interface Question {
  readonly operation: "evaluate";
  readonly x: readonly number[];
  readonly timestep: number;
}

/** A contender's answer: how long the operation took, and what its process holds in memory. */
export interface Timing {
  readonly seconds: number;
  readonly residentBytes: number;
}

/** One implementation of the network, in a process of its own that waits to be asked. */
export interface Contender {
  readonly name: string;
  /** What it says of itself: versions, threads. */
  readonly description: string;
  /** From the start of its process to the end of its first operation, of one row. */
  readonly secondsToReady: number;
  /** @throws {Error} with what it wrote on stderr, if it ends instead of answering */
  time(operation: Operation): Promise<Timing>;
  /** @throws {Error} with what it wrote on stderr, if it ends instead of answering */
  evaluate(x: Float32Array, timestep: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/**
 * Starts a program on the model in `folder`, and resolves when it has done its first operation. It speaks JSON lines:
 * `{description}` when it is ready, then a {@linkcode Timing} for each {@linkcode Operation} that it reads, and
 * `{epsilon}` for each {@linkcode Question}.
 *
 * @throws {Error} with what it wrote on stderr, if it ends before
 */
export const start = async (program: Program, folder: string): Promise<Contender> => {
  const { ask, close, greeting, secondsToReady } = await startJsonProcess<
    Operation | Question,
    Timing & { epsilon: readonly number[] }
  >({ ...program, args: [...program.args, folder] });
  return {
    name: program.name,
    description: greeting.description,
    secondsToReady,
    time: ask,
    evaluate: async (x, timestep) => (await ask({ operation: "evaluate", x: Array.from(x), timestep })).epsilon,
    close,
  };
};
