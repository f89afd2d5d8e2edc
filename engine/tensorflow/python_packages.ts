import { join } from "@std/path";
import { granted } from "./granted.ts";

const namesIn = (folder: string): string[] => {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } catch {
    return [];
  }
};

/** `python3.12` before `python3.9` before Debian's `python3`. */
const minorOf = (name: string): number => Number(name.split(".")[1] ?? -1);

/** Where a Python below `prefix` (an environment's folder, `/usr`) keeps its packages, the newest Python first. */
export const packageFolders = (prefix: string): string[] => {
  if (Deno.build.os === "windows") return [join(prefix, "Lib", "site-packages")];
  const lib = join(prefix, "lib");
  return namesIn(lib)
    .filter((name) => /^python3(\.\d+)?$/.test(name))
    .sort((a, b) => minorOf(b) - minorOf(a))
    .flatMap((name) => ["site-packages", "dist-packages"].map((packages) => join(lib, name, packages)));
};

const variable = (name: string): string | undefined =>
  granted({ name: "env", variable: name }) ? Deno.env.get(name) || undefined : undefined;

/**
 * The Pythons that this process may look into, without running one: the environment that is active, the project's own,
 * the user's packages, the system's.
 */
export const pythonPrefixes = (): string[] => {
  const home = variable("HOME");
  const prefixes = [
    variable("VIRTUAL_ENV"),
    variable("CONDA_PREFIX"),
    ".venv",
    home && join(home, ".local"),
    ...(Deno.build.os === "windows" ? [] : ["/usr/local", "/opt/homebrew", "/usr"]),
  ];
  return prefixes.filter((path) => path !== undefined && path !== "" && granted({ name: "read", path })) as string[];
};
