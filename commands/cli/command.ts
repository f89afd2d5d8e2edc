import type { z } from "zod";

/** The command line asks for something it cannot have. Its message is one line that names the flag. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** An object schema whose fields, each with a description and most with a default, are a command's options. */
export type OptionSchema = z.ZodType<Record<string, unknown>>;

/** What the program knows of a command before it is loaded. */
export interface CommandEntry {
  /** Its name, as typed. */
  readonly name: string;
  /** One sentence on what it does. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** One command of the program. */
export interface Command<S extends OptionSchema = OptionSchema> {
  /** The options: camelCase fields become --kebab-case flags. */
  readonly options: S;
  /** One-letter flags by option, as `{ out: "o" }`. */
  readonly short?: { readonly [K in keyof z.output<S>]?: string };
  /** Options that may be given without their flag, in this order: `["repo"]` reads `pull REPO`. */
  readonly positionals?: readonly (keyof z.output<S> & string)[];
  /** Command lines with the sentence that says what each does. */
  readonly examples?: readonly { readonly line: string; readonly does: string }[];
  /** Does the work. A number that it answers is the exit code. */
  readonly run: (options: z.output<S>) => Promise<number | void>;
}

/** Checks a command against its schema, whose output is what `run` gets; to others every command is of one type. */
export const defineCommand = <S extends OptionSchema>(command: Command<S>): Command => command as unknown as Command;
