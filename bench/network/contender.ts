import { join } from "@std/path";

/** What a contender is asked to time. */
export type Operation = { readonly operation: "step" | "train"; readonly rows: number };

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
  /** From the start of its process to the end of its first step of one row. */
  readonly secondsToReady: number;
  time(operation: Operation): Promise<Timing>;
  close(): Promise<void>;
}

/** A program that speaks JSON lines: `{description}` when it is ready, then a {@linkcode Timing} for each operation. */
export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const HERE = import.meta.dirname!;

/** This project, on one of its engines. */
export const ours = (
  name: string,
  { engine, compiled = true, purpose }: { engine: string; compiled?: boolean; purpose: "sample" | "train" },
): Program => ({
  name,
  command: Deno.execPath(),
  args: [
    "run",
    "--no-prompt",
    "--allow-read=.",
    "--allow-ffi=.tensorflow",
    "--allow-env=DENOISE_TENSORFLOW,TF_CPP_MIN_LOG_LEVEL,XDG_RUNTIME_DIR",
    join(HERE, "denoise.ts"),
    engine,
    compiled ? "compiled" : "eager",
    purpose,
  ],
});

/** PyTorch and diffusers, in a memory layout. */
export const pytorch = (
  name: string,
  layout: "contiguous" | "channels_last",
  purpose: "sample" | "train",
): Program => ({
  name,
  command: "python3",
  args: [join(HERE, "pytorch.py"), layout, purpose],
});

/**
 * Starts a program on the model in `folder`, and resolves when it has done its first step.
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
      if (done) throw new Error(`${name} ended: ${(await complaints).trim().split("\n").slice(-3).join(" ")}`);
      buffered += value;
    }
    const end = buffered.indexOf("\n");
    const line = buffered.slice(0, end);
    buffered = buffered.slice(end + 1);
    return JSON.parse(line);
  };
  const { description } = await read();
  return {
    name,
    description,
    secondsToReady: (performance.now() - started) / 1000,
    time: async (operation) => {
      await writer.write(new TextEncoder().encode(JSON.stringify(operation) + "\n"));
      return await read();
    },
    close: async () => {
      await writer.close();
      await child.status;
    },
  };
};
