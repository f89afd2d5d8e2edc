/// <reference lib="deno.worker" />
import type { Engine, openEngine } from "../engine/mod.ts";
import { ModelError } from "../model/error.ts";
import type { Pipeline } from "../model/pipeline.ts";
import { describeError, type ErrorDescription } from "../sampling/errors.ts";
import type { Heap } from "./heap.ts";
import { createHost, type Host } from "./host.ts";
import type { FromWorker, ModelLocation, StartOptions, ToWorker } from "./protocol.ts";
import type { Mailbox } from "./time_sharing.ts";

/** What a sampling Worker needs of where it runs: a program of Deno, or a page. */
export interface WorkerPlatform {
  openEngine(...engine: Required<Parameters<typeof openEngine>>): Promise<Engine>;
  loadPipeline(folder: string): Promise<Pipeline>;
  /** @param sent as `start` has it */
  createMailbox(sent: Int32Array | null): Mailbox;
  /** What the thread's heap holds, now and then; null in between, or where nothing tells. */
  heap(): Heap | null;
}

/**
 * Asks the thread that started this Worker whether WebGPU reaches a graphics card.
 *
 * A Worker that asks for adapters itself holds Vulkan's drivers until its thread is gone, and a process that ends while
 * it goes crashes within Mesa's lavapipe (7 of 100 times, where the Worker is terminated just before the end).
 */
const seekGpu = (): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const listener = ({ data }: MessageEvent<ToWorker>) => {
    if (data.type !== "gpu") return;
    self.removeEventListener("message", listener);
    resolve(data.found);
  };
  self.addEventListener("message", listener);
  self.postMessage({ type: "seeks-gpu" } satisfies FromWorker);
  return promise;
};

const post = (message: FromWorker, transfer: Transferable[] = []) => self.postMessage(message, transfer);

type Found = Pick<ModelLocation, "key" | "name"> & { readonly pipeline: Pipeline };
type Lost = { readonly key: number; readonly error: ErrorDescription };

/** Reads a model; an error instead of one whose folder holds none, if it is not needed. */
const read = async (
  { key, name, folder, isNeeded }: StartOptions["models"][number],
  platform: WorkerPlatform,
): Promise<Found | Lost> => {
  try {
    return { key, name, pipeline: await platform.loadPipeline(folder) };
  } catch (error) {
    if (isNeeded || !(error instanceof ModelError)) throw error;
    return { key, error: describeError(error) };
  }
};

const start = async (
  { models, engine: engineName, capacity, deterministic, ...engineOptions }: StartOptions,
  { pause }: Mailbox,
  platform: WorkerPlatform,
): Promise<{ host: Host; ready: FromWorker }> => {
  // A model that cannot be read is found before an engine, which may ask for graphics cards, is opened.
  const found = await Promise.all(models.map((model) => read(model, platform)));
  const engine = await platform.openEngine(engineName, { ...engineOptions, hasGpu: seekGpu });
  const host = createHost(engine, { capacity, deterministic, heap: platform.heap, pause, post });
  const infos = found.flatMap((model) =>
    "pipeline" in model ? [{ key: model.key, info: host.add(model, model.pipeline) }] : []
  );
  const lost = found.filter((model) => "error" in model);
  return { host, ready: { type: "ready", infos, lost, memory: host.memory } };
};

const add = async (location: ModelLocation, host: Host, platform: WorkerPlatform) => {
  const { key } = location;
  try {
    const info = host.add(location, await platform.loadPipeline(location.folder));
    post({ type: "added", key, info, memory: host.memory });
  } catch (error) {
    post({ type: "refused", key, error: describeError(error) });
  }
};

const receive = (message: ToWorker, host: Host, platform: WorkerPlatform) => {
  switch (message.type) {
    case "run":
      return host.run(message);
    case "cancel":
      return host.cancel(message.id);
    case "add":
      return add(message.model, host, platform);
    case "remove":
      return host.remove(message.key);
    case "close":
      host.close();
      post({ type: "closed" });
  }
};

/**
 * Has this Worker own an engine, the models on it and their schedulers. It speaks the messages of protocol.ts.
 *
 * @param platformOf where it runs, by what it is `given` there
 */
export const answerMessages = (platformOf: (given: unknown) => WorkerPlatform): void => {
  self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
    if (data.type !== "start") return;
    try {
      const platform = platformOf(data.given);
      const mailbox = platform.createMailbox(data.sent);
      const { host, ready } = await start(data.options, mailbox, platform);
      self.onmessage = (event: MessageEvent<ToWorker>) => {
        mailbox.receive();
        receive(event.data, host, platform);
      };
      post(ready);
    } catch (error) {
      post({ type: "unready", error: describeError(error) });
    }
  };
};
