import { fromFileUrl, join } from "@std/path";
import { grantRuntime } from "../engine/onnx/session.ts";
import { LIBRARY_VARIABLE } from "../engine/tensorflow/find_library.ts";
import { grantLibrary } from "../engine/tensorflow/permissions.ts";
import { NO_LIBRARY } from "../engine/permissions.ts";
import { parseTrainingEvent, type TrainingEvent } from "../training/events.ts";
import { endingOf, GRACE, linesOf, permissionList } from "./child.ts";
import type { OptionValues } from "./jobs.ts";
import { optionsLine } from "./options_line.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** What training reads of the program: packages, and its rooms, of which it starts modules as threads. */
const PROGRAM = [
  "node_modules",
  "core",
  "datasets",
  "engine",
  "files",
  "formats",
  "jobs",
  "model",
  "sampling",
  "training",
]
  .map((name) => join(ROOT, name));

/** Variables that hold what a job has no business with. */
const SECRETS = ["DATABASE_URL", "DENOISE_API_KEYS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/** Where a training process finds its program and its engine. */
export interface LaunchSettings {
  /** The program; its first argument is `train`. */
  readonly main?: URL;
  /** TensorFlow's library, or a folder that holds it; the one that this process finds if not given. */
  readonly tensorflow?: string;
  /** What it may read beside its run folder and the program: its data, the model it starts from. */
  readonly read?: readonly string[];
  /** It writes only while it is renewed. */
  readonly lease?: boolean;
  /** Milliseconds that it may take to write a checkpoint and end once it is asked to; then it is killed. */
  readonly grace?: number;
}

/**
 * How `train` is started. It may read the program and its data, read and write its own run folder, and load the TensorFlow
 * that this process may, if its engine can be that. It may use no network, run no program, and write nothing else.
 *
 * @param options those of `train`, already validated; they are all that a caller decides
 * @returns its command line and environment, and the first line of its standard input, which says the options
 */
export const trainingCommand = (
  options: OptionValues,
  { main = new URL("../main.ts", import.meta.url), tensorflow, read = [], lease = false }: LaunchSettings = {},
): { args: string[]; env: Record<string, string>; line: string } => {
  const { engine = "auto", out, resume } = options;
  const isTensorflow = engine === "auto" || engine === "tensorflow";
  const library = isTensorflow ? grantLibrary(tensorflow) : engine === "onnx" ? grantRuntime() : NO_LIBRARY;
  const run = String(out ?? resume);
  const permissions = [
    "--no-prompt",
    `--allow-read=${permissionList([...PROGRAM, run, ...read, ...library.read])}`,
    `--allow-write=${permissionList([run])}`,
    // Asking for a graphics card writes to stderr unless this one can be set.
    `--allow-env=${["XDG_RUNTIME_DIR", ...library.env]}`,
    ...(library.ffi.length > 0 ? [`--allow-ffi=${permissionList(library.ffi)}`] : []),
  ];
  const named = isTensorflow && tensorflow !== undefined;
  return {
    args: ["run", ...permissions, main.href, "train", "--options-from-stdin"],
    line: optionsLine({
      ...options,
      ...(named ? { tensorflow: library.path ?? tensorflow } : {}),
      ...(lease ? { lease } : { stopAtEof: true }),
    }),
    env: {
      NO_COLOR: "1",
      ...Object.fromEntries(SECRETS.map((name) => [name, ""])),
      // What this process found, the child may not look for.
      ...(library.path !== null && !named ? { [LIBRARY_VARIABLE]: library.path } : {}),
    },
  };
};

/** How a training process ended. */
export interface TrainingExit {
  readonly code: number;
  /** The last lines it wrote to stderr. */
  readonly stderr: string;
  /** Whether it was killed by whoever started it, as when it did not stop in time. */
  readonly isKilled: boolean;
}

/** A running training process. */
export interface TrainingProcess {
  /** Resolves once it has ended and its last event has been delivered. */
  readonly ended: Promise<TrainingExit>;
  /** Asks it to write a checkpoint and end; it is killed if it takes too long. */
  stop(): void;
  /** Ends it at once. */
  kill(): void;
  /** Lets a process that holds a lease write until then, in milliseconds since 1970. */
  renew(until: number): void;
}

/** Who follows a training process. */
export interface TrainingListener {
  readonly onEvent: (event: TrainingEvent) => void;
  /** Gets the lines that are no events, of both streams. */
  readonly onLine?: (line: string) => void;
}

const LAST_LINES = 20;

/**
 * Starts `train` as a separate Deno process, with the permissions of {@linkcode trainingCommand}.
 *
 * Its stdin stays open as long as this process lives: its end is how the child learns that nobody follows it any more.
 *
 * @param options those of `train`, already validated; they are all that a caller decides
 * @param settings.onEvent receives what the process reports
 */
export const launchTraining = (
  options: OptionValues,
  { onEvent, onLine = () => {}, grace = GRACE, ...settings }: LaunchSettings & TrainingListener,
): TrainingProcess => {
  const { line, ...command } = trainingCommand(options, settings);
  const child = new Deno.Command(Deno.execPath(), {
    ...command,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  // Whoever closed the other end has ended, which its status shows.
  input.closed.catch(() => {});
  const tell = (line: string) => void input.write(new TextEncoder().encode(line)).catch(() => {});
  tell(line);
  const ending = endingOf(child, grace);

  const report = async () => {
    for await (const line of linesOf(child.stdout)) {
      const event = parseTrainingEvent(line);
      if (event) onEvent(event);
      else onLine(line);
    }
  };
  const collect = async () => {
    const last: string[] = [];
    for await (const line of linesOf(child.stderr)) {
      onLine(line);
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
    }
    return last.join("\n");
  };
  const follow = async (): Promise<TrainingExit> => {
    const [{ code, signal }, stderr] = await Promise.all([child.status, collect(), report()]);
    await input.close().catch(() => {});
    return { code, stderr, isKilled: ending.isKilled && signal === "SIGKILL" };
  };
  return {
    ended: follow(),
    stop: ending.stop,
    kill: ending.kill,
    renew: (until) => tell(`${Math.floor(until)}\n`),
  };
};
