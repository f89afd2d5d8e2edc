import { DIVERGED, TRY_AGAIN } from "../../training/errors.ts";
import { type CommandEntry, UsageError } from "./command.ts";
import { commandHelp } from "./help.ts";
import { parse } from "./options.ts";
import { version } from "./version.ts";

/** An exit code and what goes to stderr with it. */
export interface CommandFailure {
  readonly code: number;
  readonly message: string;
}

/** Errors whose message is written for the person at the command line. By name, so that no room is loaded for it. */
const CLEAR_NAMES: ReadonlySet<string> = new Set([
  UsageError.name,
  "ModelError",
  "HubError",
  "EngineError",
  "DatasetError",
  "ExtractorError",
  "RunError",
  "RunLockedError",
]);

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ");

const lackingPermission = (message: string): string => {
  const lacking = /Requires (\w+) access(?: to ("[^"]*"|<[^>]*>|\S+))?.*--(allow-[\w-]+)/.exec(message);
  if (!lacking) return oneLine(message);
  const [, kind, target, flag] = lacking;
  const value = target?.startsWith('"') ? `=${target.slice(1, -1)}` : "";
  return `no permission: ${kind} access to ${target ?? "the system"} is not granted to this task; ` +
    `run deno run … --${flag}${value} main.ts … to grant it`;
};

/**
 * Sorts an error: 2 for what the person can mend (one clear line), 1 for what they cannot (with its stack), and
 * {@linkcode DIVERGED} and {@linkcode TRY_AGAIN}.
 */
export const failureOf = (error: unknown): CommandFailure => {
  if (!(error instanceof Error)) return { code: 1, message: `unexpected: ${String(error)}` };
  if (error instanceof Deno.errors.NotCapable) return { code: 2, message: lackingPermission(error.message) };
  if (error.name === "Interrupted") return { code: 130, message: "called off before there was anything to keep" };
  // Nothing is wrong with the program, nor with what it was asked for.
  if (error.name === "DiskError" || error.name === "NonFiniteImageError") {
    return { code: 1, message: oneLine(error.message) };
  }
  if (error.name === "DivergedError") return { code: DIVERGED, message: oneLine(error.message) };
  if (error.name === "RunLockedError") return { code: TRY_AGAIN, message: oneLine(error.message) };
  const system = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.AlreadyExists ||
    error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.IsADirectory;
  if (system || CLEAR_NAMES.has(error.name)) return { code: 2, message: oneLine(error.message) };
  return { code: 1, message: `unexpected: ${error.stack ?? error.message}` };
};

/**
 * Runs a command with its arguments: prints its help, or parses, asks for the paths that it is given, and works.
 *
 * @returns the exit code: 0, 1 (unexpected), 2 (usage, model or permission: one line on stderr), or the command's own
 */
export const runCommand = async (entry: CommandEntry, args: readonly string[]): Promise<number> => {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  if (flags.includes("--version")) {
    console.log(version);
    return 0;
  }
  const command = await entry.load();
  if (flags.includes("--help") || flags.includes("-h")) {
    await Deno.stdout.write(new TextEncoder().encode(commandHelp(entry, command)));
    return 0;
  }
  try {
    const options = parse(args, command.options, command);
    if (command.paths) await (await import("./paths.ts")).requestPaths(entry.name, command.paths(options));
    return await (await entry.loadRunner())(options) ?? 0;
  } catch (error) {
    const { code, message } = failureOf(error);
    console.error(`error: ${message}`);
    return code;
  }
};
