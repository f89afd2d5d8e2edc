/// <reference lib="deno.worker" />
/** A Worker that owns an engine, a model and their scheduler. It speaks the messages of protocol.ts. */
import { openEngine } from "../engine/mod.ts";
import { createDenoiser } from "../model/denoiser.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { compileTask } from "./compile.ts";
import { describeModel } from "./model_info.ts";
import { describeError, type FromWorker, type StartOptions, type ToWorker } from "./protocol.ts";
import type { ResolvedSampling } from "./resolve.ts";
import { createScheduler } from "./scheduler.ts";

const post = (message: FromWorker, transfer: Transferable[] = []) => self.postMessage(message, transfer);

const start = async ({ folder, engine: engineName, tensorflow, xla, capacity, queue }: StartOptions) => {
  const pipeline = await loadPipeline(folder);
  const engine = await openEngine(engineName, { tensorflow, xla });
  const network = createDenoiser(engine, pipeline);
  const info = describeModel(pipeline, engine, network);

  // The first call compiles what the engine compiles; no request waits for that.
  const { height, width, channels } = network;
  network.evaluate(new Float32Array(height * width * channels), [0], info.labels === null ? null : [0]);

  const scheduler = createScheduler(network, { capacity, queue, nullLabel: pipeline.nullLabel });
  const cancellers = new Map<number, AbortController>();

  const generate = async (id: number, sampling: ResolvedSampling) => {
    const canceller = new AbortController();
    cancellers.set(id, canceller);
    try {
      const images = await scheduler.submit(compileTask(sampling, pipeline.scheduler), {
        signal: canceller.signal,
        onStep: (progress) => post({ type: "step", id, progress }),
      });
      post({ type: "done", id, images }, [images.buffer]);
    } catch (error) {
      post({ type: "failed", id, ...describeError(error) });
    } finally {
      cancellers.delete(id);
    }
  };

  return {
    info,
    receive: (message: ToWorker) => {
      if (message.type === "generate") generate(message.id, message.sampling);
      if (message.type === "cancel") cancellers.get(message.id)?.abort();
    },
  };
};

self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  if (data.type !== "start") return;
  try {
    const { info, receive } = await start(data.options);
    self.onmessage = (event: MessageEvent<ToWorker>) => receive(event.data);
    post({ type: "ready", info });
  } catch (error) {
    post({ type: "failed", id: null, ...describeError(error) });
  }
};
