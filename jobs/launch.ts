import { LIBRARY_VARIABLE } from "../engine/tensorflow/find_library.ts";
import { grantLibrary, NO_LIBRARY } from "../engine/tensorflow/permissions.ts";
import { parseTrainingEvent, type TrainingEvent } from "./events.ts";

/** Values of a command's options, by their camelCase names. */
export type OptionValues = Readonly<Record<string, string | number | boolean | null | (string | number)[]>>;

/** How a training process ended. */
export interface TrainingExit {
  readonly code: number;
  /** The last lines it wrote to stderr. */
  readonly stderr: string;
}

/** A running training process. */
export interface TrainingProcess {
  /** Resolves once it has ended and its last event has been delivered. */
  readonly ended: Promise<TrainingExit>;
  /** Asks it to write a checkpoint and end. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
}

/**
 * Options as command-line arguments: `{ batchSize: 8, ema: false }` → `--batch-size=8 --no-ema`. A value stays behind
 * its `=`, so that none is taken for a flag.
 */
export const toArguments = (options: OptionValues): string[] =>
  Object.entries(options).flatMap(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (value === null) return [];
    if (typeof value === "boolean") return [value ? `--${name}` : `--no-${name}`];
    return [`--${name}=${Array.isArray(value) ? value.join(",") : value}`];
  });

const lines = (stream: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<string> => {
  let rest = "";
  return stream.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TransformStream<string, string>({
      transform(chunk, controller) {
        const whole = (rest + chunk).split("\n");
        rest = whole.pop()!;
        for (const line of whole) controller.enqueue(line);
      },
      flush(controller) {
        if (rest) controller.enqueue(rest);
      },
    }),
  );
};

const lastLines = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, count: number): Promise<string> => {
  const kept: string[] = [];
  for await (const line of lines(stream)) {
    kept.push(line);
    if (kept.length > count) kept.shift();
  }
  return kept.join("\n");
};

/** Where a training process finds its program and its engine. */
export interface LaunchSettings {
  /** The program; its first argument is `train`. */
  readonly main?: URL;
  /** TensorFlow's library, or a folder that holds it; the one that this process finds if not given. */
  readonly tensorflow?: string;
}

/**
 * How `train` is started: it may read this folder, write runs/, load the TensorFlow that this process may, if its engine
 * can be that, and nothing else.
 *
 * @param options arguments of `train`, already validated; they are all that a caller decides
 */
export const trainingCommand = (
  options: OptionValues,
  { main = new URL("../main.ts", import.meta.url), tensorflow }: LaunchSettings = {},
): { args: string[]; env: Record<string, string> } => {
  const { engine = "auto" } = options;
  const isTensorflow = engine === "auto" || engine === "tensorflow";
  const { path, read, ffi, env } = isTensorflow ? grantLibrary(tensorflow) : NO_LIBRARY;
  const permissions = [
    "--no-prompt",
    `--allow-read=${[".", ...read]}`,
    "--allow-write=runs",
    // Asking for a graphics card writes to stderr unless this one can be set.
    `--allow-env=${["XDG_RUNTIME_DIR", ...env]}`,
    ...(ffi.length > 0 ? [`--allow-ffi=${ffi}`] : []),
  ];
  const named = isTensorflow && tensorflow !== undefined;
  const library = named ? [`--tensorflow=${path ?? tensorflow}`] : [];
  return {
    args: ["run", ...permissions, main.href, "train", "--stop-at-eof", ...library, ...toArguments(options)],
    // What this process found, the child may not look for.
    env: { NO_COLOR: "1", ...(path !== null && !named ? { [LIBRARY_VARIABLE]: path } : {}) },
  };
};

/**
 * Starts `train` as a separate Deno process, with the permissions of {@linkcode trainingCommand}.
 *
 * Its stdin stays open as long as this process lives: its end tells the child that nobody follows it any more.
 *
 * @param options arguments of `train`, already validated; they are all that a caller decides
 * @param settings.onEvent receives what the process reports
 */
export const launchTraining = (
  options: OptionValues,
  { onEvent, ...settings }: LaunchSettings & { onEvent: (event: TrainingEvent) => void },
): TrainingProcess => {
  const child = new Deno.Command(Deno.execPath(), {
    ...trainingCommand(options, settings),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  const report = async () => {
    for await (const line of lines(child.stdout)) {
      const event = parseTrainingEvent(line);
      if (event) onEvent(event);
    }
  };
  const follow = async (): Promise<TrainingExit> => {
    const [{ code }, stderr] = await Promise.all([child.status, lastLines(child.stderr, 20), report()]);
    await child.stdin.close().catch(() => {});
    return { code, stderr };
  };
  const signal = (name: Deno.Signal) => {
    try {
      child.kill(name);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  return { ended: follow(), stop: () => signal("SIGTERM"), kill: () => signal("SIGKILL") };
};
