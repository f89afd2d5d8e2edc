import { fromFileUrl } from "@std/path";
import type { Program } from "../json_process.ts";

/** What a process is for: evaluating the network, or training it. */
export type Purpose = "step" | "train";

const beside = (file: string) => fromFileUrl(new URL(file, import.meta.url));

const deno = (name: string, file: string, permissions: readonly string[], args: readonly string[]): Program => ({
  name,
  command: Deno.execPath(),
  args: ["run", "--no-prompt", "--allow-read=.", ...permissions, beside(file), ...args],
});

const TENSORFLOW = [
  "--allow-ffi=.tensorflow",
  "--allow-env=DENOISE_TENSORFLOW,TF_CPP_MIN_LOG_LEVEL,TF_XLA_FLAGS,XDG_RUNTIME_DIR",
];

/** The names of those to which the others are compared, by the faster of them. */
export const PEERS: readonly string[] = ["pytorch contiguous", "pytorch channels_last"];

/** All names, in the order of the table. */
export const CONTENDERS = [...PEERS, "tensorflow compiled", "tensorflow eager", "wasm", "jax-js"];

/** The contenders for a purpose. jax-js only evaluates: to train on 8 images it needs more than wasm's 4 GiB. */
export const programs = (purpose: Purpose): Program[] => [
  ...["contiguous", "channels_last"].map((layout, i): Program => ({
    name: PEERS[i],
    command: "python3",
    args: [beside("pytorch.py"), layout, purpose],
  })),
  deno("tensorflow compiled", "denoise.ts", TENSORFLOW, ["tensorflow", "compiled", purpose]),
  deno("tensorflow eager", "denoise.ts", TENSORFLOW, ["tensorflow", "eager", purpose]),
  deno("wasm", "denoise.ts", [], ["wasm", "compiled", purpose]),
  ...(purpose === "step" ? [deno("jax-js", "jax_js.ts", [], [])] : []),
];
