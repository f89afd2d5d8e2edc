/// <reference lib="deno.worker" />
/** A Worker that owns an engine, the models on it and their schedulers. It speaks the messages of protocol.ts. */
import { openEngine } from "../engine/mod.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { compileTask } from "./compile.ts";
import { describeError } from "./error_description.ts";
import { createHeapReader } from "./heap.ts";
import { type LoadedModel, loadModel } from "./loaded_model.ts";
import { createMailbox, type Mailbox } from "./pause.ts";
import type { FromWorker, StartOptions, ToWorker } from "./protocol.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { seekGpu } from "./seek_gpu.ts";
import type { TaskEvent } from "./serving.ts";
import type { SamplingTask } from "./task.ts";
import { createTurns } from "./turns.ts";
import { warmUp } from "./warm_up.ts";

interface Served extends LoadedModel {
  readonly scheduler: Scheduler;
}

const post = (message: FromWorker, transfer: Transferable[] = []) => self.postMessage(message, transfer);

const postEvent = (id: number, event: TaskEvent) => {
  const { preview } = event.type === "step" ? event : {};
  post({ type: "event", id, event }, preview ? [preview.x.buffer, preview.x0.buffer] as ArrayBuffer[] : []);
};

const start = async (
  { models, engine: engineName, tensorflow, xla, capacity, deterministic }: StartOptions,
  { pause }: Mailbox,
) => {
  // A model that cannot be read is found before an engine, which may ask for graphics cards, is opened.
  const read = async ({ name, folder }: StartOptions["models"][number]) => ({
    name,
    pipeline: await loadPipeline(folder),
  });
  const pipelines = await Promise.all(models.map(read));
  const engine = await openEngine(engineName, { tensorflow, xla, hasGpu: seekGpu });
  const bucket = deterministic ? capacity : undefined;
  const loaded = pipelines.map(({ name, pipeline }) => loadModel(name, pipeline, engine, { bucket }));
  const unload = () => {
    for (const { network } of loaded) network.dispose();
  };
  const turns = createTurns({
    pause,
    idle: warmUp(loaded, { capacity, compiles: engine.compiles ?? false }),
    onError: (error) => {
      turns.stop();
      try {
        unload();
      } finally {
        post({ type: "broken", error: describeError(error) });
      }
    },
  });

  const heap = createHeapReader();
  const served = new Map(loaded.map((model): [string, Served] => {
    const { network, info } = model;
    const scheduler = createScheduler(network, {
      capacity,
      nullLabel: info.nullLabel,
      bucketOf: network.bucketOf,
      turns,
      onStep: (step) => {
        const { live, left } = scheduler.load;
        post({ type: "batch", report: { ...step, model: info.name, live, left, heap: heap() } });
      },
    });
    return [info.name, { ...model, scheduler }];
  }));
  const cancellers = new Map<number, AbortController>();

  const compile = ({ id, model, request }: ToWorker & { type: "run" }): SamplingTask | null => {
    try {
      return compileTask(request, served.get(model)!.target);
    } catch (error) {
      post({ type: "failed", id, byEngine: false, error: describeError(error) });
      return null;
    }
  };

  const run = async (message: ToWorker & { type: "run" }) => {
    const { id, model, follow, previews } = message;
    const task = compile(message);
    if (task === null) return;
    const canceller = new AbortController();
    cancellers.set(id, canceller);
    try {
      const images = await served.get(model)!.scheduler.submit(task, {
        signal: canceller.signal,
        previews,
        onQueued: (position) => postEvent(id, { type: "queued", position }),
        onStarted: () => postEvent(id, { type: "started" }),
        onStep: follow ? (progress) => postEvent(id, { type: "step", ...progress }) : undefined,
      });
      post({ type: "done", id, images }, [images.buffer]);
    } catch (error) {
      if (!canceller.signal.aborted) post({ type: "failed", id, byEngine: true, error: describeError(error) });
    } finally {
      cancellers.delete(id);
    }
  };

  const close = () => {
    turns.stop();
    unload();
    post({ type: "closed" });
  };

  turns.wake();
  return {
    infos: loaded.map(({ info }) => info),
    receive: (message: ToWorker) => {
      if (message.type === "run") run(message);
      if (message.type === "cancel") cancellers.get(message.id)?.abort();
      if (message.type === "close") close();
    },
  };
};

self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  if (data.type !== "start") return;
  try {
    const mailbox = createMailbox(data.sent);
    const { infos, receive } = await start(data.options, mailbox);
    self.onmessage = (event: MessageEvent<ToWorker>) => {
      mailbox.receive();
      receive(event.data);
    };
    post({ type: "ready", infos });
  } catch (error) {
    post({ type: "unready", error: describeError(error) });
  }
};
