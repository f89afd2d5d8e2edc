import { basename, dirname, join, resolve } from "@std/path";
import { writeAll } from "../../files/durable.ts";
import { UsageError } from "./command.ts";
import { grantingCommand } from "./paths.ts";

/** A file that grows beside its place and moves there when it is whole. */
export interface PendingFile {
  readonly path: string;
  /** Adds bytes. */
  write(bytes: Uint8Array): void;
  /** Ends the file and moves it to its place. */
  finish(): void;
  /** Removes what was written; after `finish` it does nothing. */
  [Symbol.dispose](): void;
}

/** The folder that the tasks may write pictures to; it is made where it is missing. */
const RUNS = "runs";

const isGranted = (name: "read" | "write", path: string): boolean =>
  Deno.permissions.querySync({ name, path }).state === "granted";

const infoOf = (path: string): Deno.FileInfo | null => {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/** Opens a file for writing as it is; true if there was none. */
const touch = (path: string): boolean => {
  try {
    Deno.openSync(path, { write: true, createNew: true }).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    Deno.openSync(path, { append: true }).close();
    return false;
  }
};

const move = (from: string, to: string): void => {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    // The other is on another file system.
    if ((error as { code?: string }).code !== "EXDEV") throw error;
    Deno.copyFileSync(from, to);
    Deno.removeSync(from);
  }
};

/**
 * Opens a file that `--out` names, and finds out before the work that it can be written afterwards. Until `finish`, the
 * bytes lie in a hidden file in the same folder; where this process may write the file but not its folder, in runs/.
 *
 * @param command the command whose --out it is
 * @throws {UsageError} if there is no such folder, the path is one, or it may not be written
 */
export const openPendingFile = (path: string, command: string): PendingFile => {
  const folder = dirname(path);
  const ownsFolder = isGranted("read", folder) && isGranted("write", folder);
  const scratch = ownsFolder ? folder : RUNS;
  if (resolve(scratch) === resolve(RUNS) && isGranted("write", RUNS)) Deno.mkdirSync(RUNS, { recursive: true });
  const beside = join(scratch, `.${basename(path)}.${Deno.pid}.partial`);
  const refuse = (reason: string, cause?: unknown) => new UsageError(`--out ${path}: ${reason}`, { cause });

  let isNew = false;
  const check = (): void => {
    if (!ownsFolder) isNew = touch(path);
    else if (!infoOf(folder)?.isDirectory) throw refuse(`there is no folder ${folder}`);
    else if (infoOf(path)?.isDirectory) throw refuse("it is a folder");
  };
  const open = (): Deno.FsFile => {
    try {
      check();
      return Deno.openSync(beside, { write: true, create: true, truncate: true });
    } catch (cause) {
      if (isNew) Deno.removeSync(path);
      if (cause instanceof Deno.errors.NotFound) throw refuse(`there is no folder ${folder}`, cause);
      if (cause instanceof Deno.errors.IsADirectory) throw refuse("it is a folder", cause);
      if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
      const line = grantingCommand(command, [`--allow-read=${folder}`, `--allow-write=${folder}`]);
      throw refuse(`this task has no permission to write there; run ${line} to grant it`, cause);
    }
  };

  const file = open();
  let state: "open" | "closed" | "gone" = "open";
  const close = () => {
    if (state === "open") file.close();
    state = "closed";
  };
  return {
    path,
    write: (bytes) => writeAll(file, bytes),
    finish: () => {
      close();
      move(beside, path);
      state = "gone";
    },
    [Symbol.dispose]: () => {
      if (state === "gone") return;
      close();
      Deno.removeSync(beside);
      if (isNew) Deno.removeSync(path);
      state = "gone";
    },
  };
};
