import { fromFileUrl, join, resolve } from "@std/path";
import { EngineError } from "../error.ts";
import { INSTALL_FOLDER, libraryIn } from "./find_library.ts";

/** What can be installed: TensorFlow for this processor, or with CUDA's libraries. */
export const INSTALLABLE = ["cpu", "cuda"] as const;

/** The name of an installation. */
export type Installable = typeof INSTALLABLE[number];

/** What is told while it runs. */
export interface InstallEvent {
  readonly event: "start" | "progress" | "done";
  readonly [fact: string]: unknown;
}

const REPORT_MILLISECONDS = 2000;

const sizeOf = async (folder: string): Promise<number> => {
  let bytes = 0;
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) bytes += await sizeOf(path);
      if (isFile) bytes += (await Deno.stat(path)).size;
    }
  } catch (error) {
    // The installer moves files while they are counted.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
};

const answers = async (program: string, args: readonly string[]): Promise<boolean> => {
  try {
    return (await new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
};

/** The installer that this machine has: pip, or uv. */
const findInstaller = async (): Promise<string[]> => {
  if (await answers("python3", ["-m", "pip", "--version"])) return ["python3", "-m", "pip", "install"];
  if (await answers("uv", ["--version"])) return ["uv", "pip", "install"];
  throw new EngineError("Cannot install TensorFlow: neither python3 with pip nor uv is on this machine");
};

/**
 * Installs TensorFlow's libraries into the project's own folder, by pip or uv: versions pinned, digests checked, written
 * beside and renamed, so that an interrupted installation leaves nothing. An older one is replaced.
 *
 * @param options.folder where to
 * @param options.signal stops it
 * @param options.report hears how many bytes are there; the installer's own bar is for a terminal
 * @returns the library's path
 * @throws {EngineError} if there is no installer, it fails, or CUDA is asked for elsewhere than on Linux on x86-64
 * @throws the signal's reason
 */
export const installTensorflow = async (
  which: Installable,
  { folder = INSTALL_FOLDER, signal, report }: {
    folder?: string;
    signal: AbortSignal;
    report?: (event: InstallEvent) => void;
  },
): Promise<string> => {
  if (which === "cuda" && (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64")) {
    throw new EngineError(
      `Cannot install cuda on ${Deno.build.os} ${Deno.build.arch}: its wheels are for linux x86_64`,
    );
  }
  const [program, ...command] = await findInstaller();
  const partial = `${folder}.partial`;
  const remove = () => Deno.remove(partial, { recursive: true }).catch(() => {});
  await remove();
  // The installer's downloads go there too, so that nothing is left elsewhere.
  const temporary = resolve(partial, "tmp");
  await Deno.mkdir(temporary, { recursive: true });

  const requirements = fromFileUrl(new URL(`./requirements/${which}.txt`, import.meta.url));
  const pinned = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version", "3.12"];
  const quiet = report ? ["--quiet"] : [];
  const args = [...command, ...pinned, ...quiet, "--no-cache-dir", "--target", partial, "-r", requirements];
  report?.({ event: "start", installer: program, what: which, folder });
  const timer = setInterval(
    async () => report?.({ event: "progress", bytes: await sizeOf(partial) }),
    REPORT_MILLISECONDS,
  );
  try {
    const child = new Deno.Command(program, {
      args,
      env: { TMPDIR: temporary },
      stdin: "null",
      stdout: report ? "null" : "inherit",
      stderr: "inherit",
      signal,
    }).spawn();
    const { success, code } = await child.status;
    signal.throwIfAborted();
    if (!success) throw new EngineError(`Cannot install TensorFlow: ${program} ended with code ${code}`);
    await Deno.remove(temporary, { recursive: true });
    if (libraryIn(partial) === null) throw new EngineError("Cannot install TensorFlow: its wheel holds no library");
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.rename(partial, folder);
  } finally {
    clearInterval(timer);
    await remove();
  }
  const path = libraryIn(folder)!;
  report?.({ event: "done", file: path });
  return path;
};
