import type { Enlargement } from "../../formats/enlarge.ts";
import type { ImageShape } from "../../formats/pixels.ts";
import type { ModelInfo } from "../../sampling/loaded_model.ts";
import type { Preview, TaskEvent } from "../../serving/progress.ts";
import { ModelChangedError, type Serving } from "../../serving/serving.ts";
import type { CodecRunner } from "../codec/codec.ts";
import type { PictureOptions } from "../codec/codecs.ts";
import { createEventLog, type EventLog } from "../http/event_stream.ts";
import type { Lifetime } from "../http/lifetime.ts";
import type { Limits } from "../http/limits.ts";
import { type Format, isFilm } from "../http/negotiate.ts";
import { traced } from "../http/telemetry.ts";
import type { Admission } from "./admission.ts";
import { type Drawing, type DrawingHead, pngUrl } from "./answer.ts";
import { DEFAULT_FRAMES, type DrawingTask, imageDecoders, type PreparedTask } from "./task.ts";

/** A request for images that is ready to be drawn. */
export interface ResolvedDrawing {
  readonly model: ModelInfo;
  readonly head: DrawingHead;
  readonly prepared: PreparedTask;
  /** The format that was asked for by name. */
  readonly format?: Format;
  /** Frames that were asked for. */
  readonly frames?: number;
  /** How large its pictures are to be. */
  readonly enlargement: Enlargement;
}

/** What a request is resolved with. */
export interface ResolveDependencies {
  readonly serving: Serving;
  readonly limits: Limits;
}

/** The fields that every task has. */
interface CommonFields {
  readonly model: string;
  readonly format?: Format;
  readonly frames?: number;
  readonly scale: number;
  readonly resampler: Enlargement["resampler"];
  readonly timeoutSeconds: number;
}

/**
 * Resolves a request: which model, and every choice that it left open. From now on it has the time that it asks for.
 *
 * @param input what `task.fields` made of the request
 * @throws {ParameterError} that lists every parameter in the way
 * @throws {DeadlineError} if none of its time is left
 */
export const resolveDrawing = async (
  task: DrawingTask,
  input: Record<string, unknown>,
  { serving, limits }: ResolveDependencies,
  { lifetime, decoder }: Pick<Admission, "lifetime" | "decoder">,
): Promise<ResolvedDrawing> => {
  const { model: name, format, frames, scale, resampler, timeoutSeconds } = input as unknown as CommonFields;
  lifetime.shorten(timeoutSeconds);
  const model = serving.models.find((model) => model.name === name);
  if (model === undefined) throw new ModelChangedError(`the model ${name} was removed meanwhile`);
  const prepared = await task.prepare(input, { model, limits, ...imageDecoders(model, { decoder, limits }) });
  const head = { task: task.name, model: name, engine: model.engine, parameters: prepared.parameters };
  return { model, head, prepared, format, frames, enlargement: { scale, resampler } };
};

/** How many frames of a drawing's film are kept, for an answer in this format; 0 for none. */
export const frameCount = ({ frames }: ResolvedDrawing, format: Format): number =>
  isFilm(format) || format === "event-stream" ? frames ?? DEFAULT_FRAMES : 0;

/** Writes what happens to a request into its log. */
interface ProgressReporter {
  report(event: TaskEvent): void;
  /** Resolves once all that was to be written is. */
  flushed(): Promise<void>;
}

/**
 * Makes a reporter. Events are written in their order, each once its pictures are encoded; while one is, plain progress is
 * left out.
 *
 * @param options.shown whether pictures are shown
 */
const createProgressReporter = (
  events: EventLog,
  { encoder, shape, options, shown }: {
    encoder: CodecRunner;
    shape: ImageShape;
    options: PictureOptions;
    shown: boolean;
  },
): ProgressReporter => {
  let written = Promise.resolve();
  let pending = 0;

  const show = async ({ x, x0, step, timestep }: Preview) => {
    const url = async (bytes: Uint8Array) =>
      pngUrl(await encoder.run("encodePicture", new Uint8Array(bytes), shape, options));
    return { step, timestep, x: await url(x), x0: await url(x0) };
  };
  const reportLater = (progress: object, preview: Preview) => {
    pending++;
    written = written.then(async () => events.append("step", { ...progress, preview: await show(preview) }))
      .catch(() => {}).finally(() => pending--);
  };
  return {
    report: (event) => {
      if (event.type !== "step") return events.append(event.type, { ...event, type: undefined });
      const { done, total, step, steps, preview } = event;
      const progress = { done, total, step, steps };
      if (preview && shown) reportLater(progress, preview);
      else if (pending === 0) events.append("step", progress, { passing: true });
    },
    flushed: () => written,
  };
};

/** Images that are being drawn. */
export interface RunningDrawing {
  /** What happens to them: `queued`, `started`, `step`. Who started it adds how it ended, and ends it. */
  readonly events: EventLog;
  /** Resolves once they are queued or drawn; rejects if they are refused. */
  readonly begun: Promise<void>;
  /** When the first step began; null before. */
  readonly startedAt: Date | null;
  /** Network steps done over all images, of those they take together; null before the first. */
  readonly progress: { readonly done: number; readonly total: number } | null;
  /** Rejects with the reason that ends their lifetime, too. */
  readonly drawing: Promise<Drawing>;
  readonly lifetime: Lifetime;
}

/** What drawing needs. */
export interface DrawDependencies {
  readonly serving: Serving;
}

/** How a drawing is followed. */
interface DrawOptions {
  /** Names it in errors, logs and spans. */
  readonly id: string;
  /** About so many frames are kept. */
  readonly frames: number;
  /** Whether the frames are shown in the events as well. */
  readonly shown: boolean;
}

/** Draws a request that was resolved, as long as it lives. */
export const startDrawing = (
  resolved: ResolvedDrawing,
  { serving }: DrawDependencies,
  { client, lifetime, encoder }: Pick<Admission, "client" | "lifetime" | "encoder">,
  { id, frames: wanted, shown }: DrawOptions,
): RunningDrawing => {
  const { model, head, prepared, enlargement } = resolved;
  const { source, columns, labels, finish } = prepared;
  const shape = { height: model.height, width: model.width, channels: model.channels };
  const queued = Promise.withResolvers<void>();
  const events = createEventLog();
  // By their step: a request that begins anew on another engine comes by each again.
  const frames = new Map<number, Uint8Array<ArrayBuffer>>();
  const receivedAt = Date.now();
  let startedAt: Date | null = null;
  let progress: RunningDrawing["progress"] = null;
  const reporter = createProgressReporter(events, { encoder, shape, options: { columns, ...enlargement }, shown });

  const onEvent = (event: TaskEvent) => {
    queued.resolve();
    if (event.type === "started") startedAt = new Date();
    if (event.type === "step") progress = { done: event.done, total: event.total };
    if (event.type === "step" && event.preview) frames.set(event.preview.step, new Uint8Array(event.preview.x));
    reporter.report(event);
  };

  const sample = async () => {
    if (source instanceof Float32Array) return source;
    const { n, steps, sampler, seed } = source.sampling;
    const attributes = {
      "denoise.task": head.task,
      "denoise.model": model.name,
      "denoise.request": id,
      "denoise.n": n,
      "denoise.steps": steps,
      "denoise.sampler": sampler,
      "denoise.seed": seed,
    };
    return await traced("denoise.sample", attributes, () =>
      serving.run(model, source, {
        id,
        client,
        signal: lifetime.signal,
        deadline: lifetime.left,
        onEvent,
        previews: wanted,
      }));
  };

  const run = async (): Promise<Drawing> => {
    lifetime.signal.throwIfAborted();
    const finished = await finish(await sample(), encoder);
    const elapsed = (Date.now() - receivedAt) / 1000;
    await reporter.flushed();
    const waiting = startedAt === null ? 0 : ((startedAt as Date).getTime() - receivedAt) / 1000;
    return {
      head,
      shape,
      labels,
      columns,
      measures: {},
      enlargement,
      frames: [...frames.values()],
      seconds: { waiting, drawing: elapsed - waiting },
      ...finished,
    };
  };

  const drawing = run();
  drawing.catch(() => {});
  const begun = Promise.race([queued.promise, drawing.then(() => {})]);
  begun.catch(() => {});
  return {
    events,
    begun,
    drawing,
    lifetime,
    get startedAt() {
      return startedAt;
    },
    get progress() {
      return progress;
    },
  };
};
