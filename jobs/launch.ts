import { type LaunchSettings, trainingCommand } from "./child_command.ts";
import { parseTrainingEvent, type TrainingEvent } from "./events.ts";
import { linesOf } from "./lines.ts";

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
  /** Lets a process that holds a lease write until then, in milliseconds since 1970. */
  renew(until: number): void;
}

/** Who hears a training process. */
export interface Listener {
  readonly onEvent: (event: TrainingEvent) => void;
  /** Gets the lines that are no events, of both streams. */
  readonly onLine?: (line: string) => void;
}

const LAST_LINES = 20;

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
  { onEvent, onLine = () => {}, ...settings }: LaunchSettings & Listener,
): TrainingProcess => {
  const child = new Deno.Command(Deno.execPath(), {
    ...trainingCommand(options, settings),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  // Whoever closed the other end has ended, which its status tells.
  input.closed.catch(() => {});

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
    const [{ code }, stderr] = await Promise.all([child.status, collect(), report()]);
    await input.close().catch(() => {});
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
  return {
    ended: follow(),
    stop: () => signal("SIGTERM"),
    kill: () => signal("SIGKILL"),
    renew: (until) => {
      input.write(new TextEncoder().encode(`${Math.floor(until)}\n`)).catch(() => {});
    },
  };
};
