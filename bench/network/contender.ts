import type { Program } from "./programs.ts";

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

/** What a program wrote on its way out: the line that tells its error, or its last ones. */
const lastWords = (stderr: string): string => {
  // deno-lint-ignore no-control-regex
  const lines = stderr.replace(/\x1b\[\d*m/g, "").split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.findIndex((line) => /^error: |^\w*Error: /.test(line));
  return error < 0 ? lines.slice(-3).join(" ") : lines[error].replace(/^error: (Uncaught \(in promise\) )?/, "");
};

/**
 * Starts a program on the model in `folder`, and resolves when it has done its first operation. It speaks JSON lines:
 * `{description}` when it is ready, then a {@linkcode Timing} for each {@linkcode Operation} that it reads, and
 * `{epsilon}` for each {@linkcode Question}.
 *
 * @throws {Error} with what it wrote on stderr, if it ends before
 */
export const start = async ({ name, command, args }: Program, folder: string): Promise<Contender> => {
  const started = performance.now();
  const child = new Deno.Command(command, {
    args: [...args, folder],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  let buffered = "";
  const read = async () => {
    while (!buffered.includes("\n")) {
      const { value, done } = await lines.read();
      if (done) throw new Error(`${name}: ${lastWords(await complaints)}`);
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return JSON.parse(line);
  };
  const ask = async (question: Operation | Question) => {
    // A pipe that is broken shows as the end of its answers.
    await writer.write(new TextEncoder().encode(JSON.stringify(question) + "\n")).catch(() => {});
    return await read();
  };
  const { description } = await read();
  return {
    name,
    description,
    secondsToReady: (performance.now() - started) / 1000,
    time: ask,
    evaluate: async (x, timestep) => (await ask({ operation: "evaluate", x: Array.from(x), timestep })).epsilon,
    close: async () => {
      await writer.close().catch(() => {});
      await child.status;
    },
  };
};
