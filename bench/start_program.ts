/** A program that a bench measures: it listens where its first line says. */
export interface RunningProgram {
  /** As `http://127.0.0.1:8000`. */
  readonly origin: string;
  /** Ends it. */
  close(): Promise<void>;
}

/** Milliseconds that a program has to end by itself. */
const GRACE = 10_000;

/** Starts a program and waits until it says that it listens. Its standard error is this one's. */
export const startProgram = async (command: string, args: readonly string[]): Promise<RunningProgram> => {
  const child = new Deno.Command(command, { args: [...args], stdout: "piped", stderr: "inherit" }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let said = "";
  const reader = lines.getReader();
  while (!/https?:\/\/\S+/.test(said)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${command} ended before it listened: ${said}`);
    said += value;
  }
  const rest = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    origin: new URL(/https?:\/\/\S+/.exec(said)![0]).origin,
    close: async () => {
      child.kill("SIGTERM");
      const impatient = setTimeout(() => child.kill("SIGKILL"), GRACE);
      await Promise.all([child.status, rest]);
      clearTimeout(impatient);
    },
  };
};

/** Starts `serve` with these options, as `deno task serve` does, on a free port. */
export const startServer = (options: readonly string[]): Promise<RunningProgram> =>
  startProgram(Deno.execPath(), [
    "run",
    "--v8-flags=--max-semi-space-size=4",
    "--no-prompt",
    "--allow-net=127.0.0.1",
    "--allow-read=.",
    "--allow-ffi=.tensorflow,node_modules",
    "--allow-env=DATABASE_URL,DENOISE_API_KEYS,DENOISE_TENSORFLOW,ORT_DISABLE_TELEMETRY,TF_CPP_MIN_LOG_LEVEL,TF_ENABLE_ONEDNN_OPTS,XDG_RUNTIME_DIR",
    "main.ts",
    "serve",
    "--port=0",
    "--log=error",
    ...options,
  ]);
