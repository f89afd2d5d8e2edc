import type { Command, OptionSchema } from "./command.ts";
import { explain } from "./fail.ts";
import { commandHelp } from "./help.ts";
import { parse } from "./parse.ts";

/**
 * Runs a command with its arguments: prints its help, or parses and works.
 *
 * @returns the exit code: 0, 1 (unexpected), 2 (usage, model or permission: one line on stderr), or the command's own
 */
export const runCommand = async <S extends OptionSchema>(
  command: Command<S>,
  args: readonly string[],
): Promise<number> => {
  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  if (flags.includes("--help") || flags.includes("-h")) {
    await Deno.stdout.write(new TextEncoder().encode(commandHelp(command as unknown as Command)));
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
