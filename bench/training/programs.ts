import { fromFileUrl } from "@std/path";
import type { Program } from "../json_process.ts";

/** The names of those to which the others are compared, by the faster of them. */
export const PEERS: readonly string[] = ["pytorch contiguous", "pytorch channels_last"];

/** All names, in the order of the table. */
export const CONTENDERS = [...PEERS, "denoise tensorflow", "denoise xla", "denoise wasm"] as const;

const beside = (file: string) => fromFileUrl(new URL(file, import.meta.url));

/**
 * How a contender is started.
 *
 * @param task path of a JSON file, a {@linkcode import("./task.ts").Task}
 */
export const program = (name: string, task: string): Program => {
  const [family, kind] = name.split(" ");
  if (family === "pytorch") return { name, command: "python3", args: [beside("pytorch.py"), kind, task] };
  const permissions = [
    "--allow-read=.",
    "--allow-write=runs,data/.prepared",
    ...kind !== "wasm"
      ? ["--allow-ffi=.tensorflow", "--allow-env=DENOISE_TENSORFLOW,TF_CPP_MIN_LOG_LEVEL,TF_XLA_FLAGS,XDG_RUNTIME_DIR"]
      : [],
  ];
  return {
    name,
    command: Deno.execPath(),
    args: ["run", "--no-prompt", ...permissions, beside("denoise.ts"), kind, task],
  };
};
