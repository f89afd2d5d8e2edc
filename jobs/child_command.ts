import { fromFileUrl, join } from "@std/path";
import { LIBRARY_VARIABLE } from "../engine/tensorflow/find_library.ts";
import { grantLibrary, NO_LIBRARY } from "../engine/tensorflow/permissions.ts";
import type { OptionValues } from "./launch.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** What training reads of the program: packages, and its rooms, of which it starts modules as threads. */
const PROGRAM = ["node_modules", "core", "engine", "formats", "jobs", "model", "serving"]
  .map((name) => join(ROOT, name));

/** Variables that hold what a job has no business with. */
const SECRETS = ["DATABASE_URL", "DENOISE_API_KEYS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/** Where a training process finds its program and its engine. */
export interface LaunchSettings {
  /** The program; its first argument is `train`. */
  readonly main?: URL;
  /** TensorFlow's library, or a folder that holds it; the one that this process finds if not given. */
  readonly tensorflow?: string;
  /** What it may read beside its run folder and the program: its data, the model it starts from. */
  readonly read?: readonly string[];
  /** It writes only while it is renewed. */
  readonly lease?: boolean;
}

/**
 * Options as command-line arguments: `{ batchSize: 8, ema: false }` → `--batch-size=8 --no-ema`. A value stays behind
 * its `=`, so that none is taken for a flag.
 */
export const toArguments = (options: OptionValues): string[] =>
  Object.entries(options).flatMap(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (value === null) return [];
    if (typeof value === "boolean") return [value ? `--${name}` : `--no-${name}`];
    return [`--${name}=${Array.isArray(value) ? value.join(",") : value}`];
  });

/** A permission's value; a comma within a path is written twice. */
const listed = (paths: readonly string[]): string => paths.map((path) => path.replaceAll(",", ",,")).join(",");

/**
 * How `train` is started. It may read the program and its data, read and write its own run folder, and load the TensorFlow
 * that this process may, if its engine can be that. It may use no network, run no program, and write nothing else.
 *
 * @param options arguments of `train`, already validated; they are all that a caller decides
 */
export const trainingCommand = (
  options: OptionValues,
  { main = new URL("../main.ts", import.meta.url), tensorflow, read = [], lease = false }: LaunchSettings = {},
): { args: string[]; env: Record<string, string> } => {
  const { engine = "auto", out, resume } = options;
  const isTensorflow = engine === "auto" || engine === "tensorflow";
  const library = isTensorflow ? grantLibrary(tensorflow) : NO_LIBRARY;
  const run = String(out ?? resume);
  const permissions = [
    "--no-prompt",
    `--allow-read=${listed([...PROGRAM, run, ...read, ...library.read])}`,
    `--allow-write=${listed([run])}`,
    // Asking for a graphics card writes to stderr unless this one can be set.
    `--allow-env=${["XDG_RUNTIME_DIR", ...library.env]}`,
    ...(library.ffi.length > 0 ? [`--allow-ffi=${listed(library.ffi)}`] : []),
  ];
  const named = isTensorflow && tensorflow !== undefined;
  const place = named ? [`--tensorflow=${library.path ?? tensorflow}`] : [];
  const until = lease ? "--lease" : "--stop-at-eof";
  return {
    args: ["run", ...permissions, main.href, "train", until, ...place, ...toArguments(options)],
    env: {
      NO_COLOR: "1",
      ...Object.fromEntries(SECRETS.map((name) => [name, ""])),
      // What this process found, the child may not look for.
      ...(library.path !== null && !named ? { [LIBRARY_VARIABLE]: library.path } : {}),
    },
  };
};
