import { resolve } from "@std/path";
import { isBuiltin } from "../../datasets/names.ts";
import settings from "../../deno.json" with { type: "json" };
import { type NamedPaths, UsageError } from "./command.ts";
import { flagOf } from "./options.ts";

const TASKS: Readonly<Record<string, { readonly command: string } | undefined>> = settings.tasks;

/** A path as a permission's value on a command line: absolute, a comma within it written twice. */
const quoted = (path: string): string => {
  const value = resolve(path).replaceAll(",", ",,");
  return /^[\w./,:@%+=-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
};

/**
 * The command line that runs a command with these permissions beside its task's, for a message; the task's own are left
 * out where they are long.
 */
export const grantingCommand = (command: string, permissions: readonly string[]): string => {
  const [task] = command.split(" ");
  const granted = TASKS[task]?.command.split(" && ").at(-1) ?? "";
  const [run] = granted.includes("$(") ? ["deno run …"] : granted.split(" main.ts ");
  return `${run || "deno run …"} ${permissions.join(" ")} main.ts ${command} …`;
};

/**
 * Sees to it that this process may reach what the options name: on a terminal, Deno asks for each path that is not granted
 * yet, once and for that path alone. The name of a dataset is no path.
 *
 * @throws {UsageError} if one is refused, or there is no terminal to ask on; it names the permissions that are missing
 */
export const requestPaths = async (command: string, paths: NamedPaths): Promise<void> => {
  const [refused, permissions] = [new Set<string>(), new Set<string>()];
  for (const name of ["read", "write"] as const) {
    for (const [option, value] of Object.entries(paths[name] ?? {})) {
      for (const path of value === undefined ? [] : [value].flat()) {
        if (name === "read" && isBuiltin(path)) continue;
        if ((await Deno.permissions.request({ name, path })).state === "granted") continue;
        refused.add(`${flagOf(option)} ${path}`);
        permissions.add(`--allow-${name}=${quoted(path)}`);
      }
    }
  }
  if (refused.size === 0) return;
  throw new UsageError(
    `${[...refused].join(", ")}: this task has no permission for ${refused.size === 1 ? "it" : "them"}; ` +
      `run ${grantingCommand(command, [...permissions])} to grant it`,
  );
};
