import { fromFileUrl, join, resolve } from "@std/path";
import { EngineError } from "./engine.ts";
import { CUDA_FOLDER, runtimeIn } from "./onnx/cuda.ts";
import { INSTALL_FOLDER, libraryIn } from "./tensorflow/find_library.ts";

/** What can be installed: TensorFlow for this processor, or with CUDA's libraries; ONNX Runtime with CUDA's. */
export const INSTALLABLE = ["cpu", "cuda", "onnx-cuda"] as const;

/** The name of an installation. */
export type Installable = typeof INSTALLABLE[number];

/** Packages of PyPI that make a folder of libraries. */
export interface Wheels {
  /** What they are, for people. */
  readonly product: string;
  /** A file of pip's: each package with its version and the digests of its wheels. */
  readonly requirements: string;
  /** The library that the others are for, in a folder where they are; `null` in any other. */
  readonly libraryIn: (folder: string) => string | null;
}

/** What is reported while it runs. */
export interface InstallEvent {
  readonly event: "start" | "progress" | "done";
  readonly [fact: string]: unknown;
}

/** How something is installed. */
export interface InstallOptions {
  /** Where to. */
  readonly folder: string;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Receives how many bytes are there; the installer's own bar is for a terminal. */
  readonly report?: (event: InstallEvent) => void;
}

const REPORT_MILLISECONDS = 2000;

/** The requirements that a folder was made of, in it. */
const RECEIPT = "requirements.txt";

const folderSize = async (folder: string): Promise<number> => {
  let bytes = 0;
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) bytes += await folderSize(path);
      if (isFile) bytes += (await Deno.stat(path)).size;
    }
  } catch (error) {
    // The installer moves files while they are counted.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
};

const runs = async (program: string, args: readonly string[]): Promise<boolean> => {
  try {
    return (await new Deno.Command(program, { args: [...args], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
};

/** The installer that this machine has: pip, or uv. */
const findInstaller = async (product: string): Promise<string[]> => {
  if (await runs("python3", ["-m", "pip", "--version"])) return ["python3", "-m", "pip", "install"];
  if (await runs("uv", ["--version"])) return ["uv", "pip", "install"];
  throw new EngineError(`Cannot install ${product}: neither python3 with pip nor uv is on this machine`);
};

/** The library of a folder that was made of these very requirements. */
const installedIn = async (folder: string, { requirements, libraryIn }: Wheels): Promise<string | null> => {
  try {
    const [wanted, made] = [await Deno.readTextFile(requirements), await Deno.readTextFile(join(folder, RECEIPT))];
    return made === wanted ? libraryIn(folder) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/**
 * Makes a folder of libraries by pip or uv: versions pinned, digests checked, written beside and renamed, so that an
 * interrupted installation leaves nothing. A folder made of other requirements is replaced; one of the same is left as
 * it is, without asking for an installer.
 *
 * @returns the library's path
 * @throws {EngineError} if there is no installer, or it fails
 * @throws the signal's reason
 */
export const installWheels = async (
  wheels: Wheels,
  { folder, signal, report }: InstallOptions,
): Promise<string> => {
  const { product, requirements, libraryIn } = wheels;
  const there = await installedIn(folder, wheels);
  if (there !== null) {
    report?.({ event: "done", file: there });
    return there;
  }
  const [program, ...command] = await findInstaller(product);
  const partial = `${folder}.partial`;
  const remove = () => Deno.remove(partial, { recursive: true }).catch(() => {});
  await remove();
  // The installer's downloads go there too, so that nothing is left elsewhere.
  const temporary = resolve(partial, "tmp");
  await Deno.mkdir(temporary, { recursive: true });

  const pinned = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version", "3.12"];
  const quiet = report ? ["--quiet"] : [];
  const args = [...command, ...pinned, ...quiet, "--no-cache-dir", "--target", partial, "-r", requirements];
  report?.({ event: "start", installer: program, what: product, folder });
  const timer = setInterval(
    async () => report?.({ event: "progress", bytes: await folderSize(partial) }),
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
    if (!success) throw new EngineError(`Cannot install ${product}: ${program} ended with code ${code}`);
    await Deno.remove(temporary, { recursive: true });
    if (libraryIn(partial) === null) throw new EngineError(`Cannot install ${product}: its wheel holds no library`);
    await Deno.copyFile(requirements, join(partial, RECEIPT));
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

const ONNX = { product: "ONNX Runtime with CUDA", folder: CUDA_FOLDER, libraryIn: runtimeIn };
const TENSORFLOW = { product: "TensorFlow", folder: INSTALL_FOLDER, libraryIn };

/**
 * Installs libraries of an engine into the project's own folder of them, by {@linkcode installWheels}.
 *
 * @returns the library's path
 * @throws {EngineError} if it fails, or CUDA is asked for elsewhere than on Linux on x86-64
 * @throws the signal's reason
 */
export const installEngine = async (
  which: Installable,
  options: Pick<InstallOptions, "signal" | "report">,
): Promise<string> => {
  if (which !== "cpu" && (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64")) {
    throw new EngineError(
      `Cannot install ${which} on ${Deno.build.os} ${Deno.build.arch}: its wheels are for linux x86_64`,
    );
  }
  const { folder, ...wheels } = which === "onnx-cuda" ? ONNX : TENSORFLOW;
  const requirements = fromFileUrl(new URL(`./requirements/${which}.txt`, import.meta.url));
  return await installWheels({ ...wheels, requirements }, { folder, ...options });
};
