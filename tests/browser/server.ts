import { fromFileUrl } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { createQueue } from "../../jobs/queue/queue.ts";
import type { ApiKey } from "../../routes/http/rights.ts";
import { openServer, type Server } from "../../routes/server.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

/** A server of what is shipped and of a tiny model in colour, that trains as well; on wasm, on a free port. */
export const openTestServer = async (keys: readonly ApiKey[] = []): Promise<Server & AsyncDisposable> => {
  const queue = await Deno.makeTempDir({ prefix: "queue-" });
  const server = await openServer({
    models: ["models/digits", "models/emoji", "tests/fixtures/tiny-model"].map((folder) => `${root}${folder}`),
    engine: "wasm",
    host: "127.0.0.1",
    port: 0,
    keys,
    jobs: createQueue({ folder: `${queue}/queue` }),
    trainingOptions: remoteTrainOptions,
  });
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await Deno.remove(queue, { recursive: true });
    },
  };
};

let shared: Promise<Server & AsyncDisposable> | null = null;

/** The server that all tests share which do not end it. */
export const sharedServer = (): Promise<Server> => shared ??= openTestServer();

Deno.test.afterAll(async () => {
  await (await shared)?.[Symbol.asyncDispose]();
});

/** A server in a process of its own, which can be killed; on the port of an earlier one, if that is given. */
export const spawnServer = async (port: number, keys = ""): Promise<{ origin: string; kill(): Promise<void> }> => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...DENO_RUN,
      "--allow-net=127.0.0.1",
      "--allow-read=.",
      "--allow-sys=hostname,systemMemoryInfo",
      "--allow-env=DATABASE_URL,DENOISE_API_KEYS",
      "main.ts",
      "serve",
      "--engine=wasm",
      "--log=error",
      `--port=${port}`,
    ],
    cwd: root,
    env: { DENOISE_API_KEYS: keys },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!/https?:\/\/\S+/.test(said)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the server ended: ${said}`);
    said += value;
  }
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    origin: new URL(/https?:\/\/\S+/.exec(said)![0]).origin,
    kill: async () => {
      child.kill("SIGKILL");
      await Promise.all([child.status, drained]);
    },
  };
};
