/**
 * Commands: the command line. A command is `commands/NAME.ts`, the options that it takes, and `commands/NAME/run.ts`,
 * what it does; `main.ts` loads both on demand. It parses, calls other folders and prints; whatever else there is to do
 * belongs to one of them.
 *
 * `cli/` is what commands share. Read this file first, what a command is, then `options.ts`, which makes values of
 * flags, and `run.ts`, which makes exit codes of errors.
 *
 * @module
 */
import type { z } from "zod";

/** The command line asks for something it cannot have. Its message is one line that names the flag. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** An object schema whose fields, each with a description and most with a default, are a command's options. */
export type OptionSchema = z.ZodType<Record<string, unknown>>;

/** Paths that options name, by option: each is read, or written, at what it names and below that alone. */
export interface NamedPaths {
  readonly read?: { readonly [option: string]: string | readonly string[] | undefined };
  readonly write?: { readonly [option: string]: string | readonly string[] | undefined };
}

/** One command of the program: what it takes. What it does is a {@linkcode Runner}, which loads apart. */
export interface Command<S extends OptionSchema = OptionSchema> {
  /** The options: camelCase fields become --kebab-case flags. */
  readonly options: S;
  /** One-letter flags by option, as `{ out: "o" }`. */
  readonly short?: { readonly [K in keyof z.output<S>]?: string };
  /** Options that may be given without their flag, in this order: `["repo"]` reads `pull REPO`. */
  readonly positionals?: readonly (keyof z.output<S> & string)[];
  /** The paths that the options name, which may lie outside the project: a person is asked for them before any work. */
  readonly paths?: (options: z.output<S>) => NamedPaths;
  /** Command lines with the sentence that says what each does. */
  readonly examples?: readonly { readonly line: string; readonly does: string }[];
}

/** Does a command's work. A number that it answers is the exit code. */
export type Runner<S extends OptionSchema = OptionSchema> = (options: z.output<S>) => Promise<number | void>;

/** A command and its runner, each loaded only when it is needed: `--help` loads no room, nor does a wrong flag. */
export interface CommandEntry<S extends OptionSchema = OptionSchema> {
  /** Its name, as typed; `figure chain` is two words. */
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary: string;
  readonly load: () => Promise<Command<S>>;
  readonly loadRunner: () => Promise<Runner<S>>;
}

/** Commands of one first word, as `figure chain` and `figure gallery`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly entries: readonly CommandEntry[];
}

/** Checks a command against its schema. */
export const defineCommand = <S extends OptionSchema>(command: Command<S>): Command<S> => command;

/** Checks a runner against its command's schema; to others every entry is of one type. */
export const defineEntry = <S extends OptionSchema>(entry: CommandEntry<S>): CommandEntry =>
  entry as unknown as CommandEntry;
