import { dirname } from "@std/path";
import { UsageError } from "./command.ts";

/**
 * Opens `beside`, having asked for every permission that renaming it to `path` will need after the work.
 *
 * @param command the command whose --out it is
 * @throws {UsageError} if there is no such folder, the place is one, or it may not be written
 */
export const createBeside = (beside: string, path: string, command: string): Deno.FsFile => {
  const folder = dirname(path);
  const refuse = (reason: string, cause?: unknown) => new UsageError(`--out ${path}: ${reason}`, { cause });
  const existing = (place: string) => {
    try {
      return Deno.statSync(place);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  };
  try {
    if (!existing(folder)?.isDirectory) throw refuse(`there is no folder ${folder}`);
    if (existing(path)?.isDirectory) throw refuse("it is a folder");
    return Deno.openSync(beside, { write: true, create: true, truncate: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw refuse(
      "this task has no permission to write there; " +
        `run deno run … --allow-read=${folder} --allow-write=${folder} main.ts ${command} … to grant it`,
      cause,
    );
  }
};
