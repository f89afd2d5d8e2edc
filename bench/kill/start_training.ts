import { fromFileUrl } from "@std/path";
import { grantLibrary, NO_LIBRARY } from "../../engine/tensorflow/permissions.ts";
import { parseTrainingEvent, type TrainingEvent } from "../../jobs/events.ts";

/** How a training process ended. */
export interface End {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stderr: string;
}

/** A training process that can be killed. */
export interface Training {
  readonly ended: Promise<End>;
  /** Ends it as a power cut would: nothing of it runs any more. */
  kill(): void;
}

const root = fromFileUrl(new URL("../../", import.meta.url));

/** Starts `train` with these arguments, as `deno task train` does; `hear` gets its events. */
export const startTraining = (args: readonly string[], hear: (event: TrainingEvent) => void): Training => {
  const { path, read, ffi, env } = args.includes("wasm") ? NO_LIBRARY : grantLibrary();
  const permissions = [
    `--allow-read=${[".", ...read]}`,
    "--allow-write=runs",
    `--allow-env=${["XDG_RUNTIME_DIR", ...env]}`,
    ...(ffi.length > 0 ? [`--allow-ffi=${ffi}`] : []),
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...permissions, "main.ts", "train", ...args],
    cwd: root,
    env: { NO_COLOR: "1", ...(path === null ? {} : { DENOISE_TENSORFLOW: path }) },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const listen = async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const event = parseTrainingEvent(line);
        if (event) hear(event);
      }
    }
  };
  const follow = async (): Promise<End> => {
    const [{ code, signal }, stderr] = await Promise.all([child.status, new Response(child.stderr).text(), listen()]);
    return { code, signal, stderr };
  };
  return {
    ended: follow(),
    kill: () => {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
    },
  };
};
