import type { CommandEntry } from "./command.ts";
import { explain } from "./fail.ts";
import { commandHelp } from "./help.ts";
import { parse } from "./parse.ts";

/**
 * Loads a command and runs it with its arguments: prints its help, or parses and works.
 *
 * @returns the exit code: 0, 1 (unexpected), 2 (usage, model or permission: one line on stderr), or the command's own
 */
export const runCommand = async (entry: CommandEntry, args: readonly string[]): Promise<number> => {
  const command = await entry.load();
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  if (flags.includes("--help") || flags.includes("-h")) {
    await Deno.stdout.write(new TextEncoder().encode(commandHelp(entry, command)));
    return 0;
  }
  try {
    return await command.run(parse(args, command.options, command)) ?? 0;
  } catch (error) {
    const { code, message } = explain(error);
    console.error(`error: ${message}`);
    return code;
  }
};
