import type { z } from "zod";
import { openEngine } from "../engine/mod.ts";
import { createDenoiser } from "../model/denoiser.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { compileTask } from "../serving/compile.ts";
import { denoise } from "../serving/denoise.ts";
import { targetOf } from "../serving/loaded_model.ts";
import { describeModel } from "../serving/model_info.ts";
import { resolveSampling } from "../serving/resolve.ts";
import { type Row, startRow } from "../serving/row.ts";
import { imageFileKind, openImageFile } from "./image_file.ts";
import { inFlags } from "./in_flags.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "./interrupt.ts";
import { readLatents } from "./latents.ts";
import { createReporter, type ProgressEvent } from "./progress.ts";
import type { sampleOptions } from "./sample.ts";
import { UsageError } from "./usage_error.ts";

type Options = z.output<typeof sampleOptions>;

/** Counts network steps of all chunks, and guesses from their images how long the rest will take. */
const createMeter = (images: number, rows: number, batch: number) => {
  const started = performance.now();
  const steps = Math.ceil(images / batch) * rows;
  let [step, done] = [0, 0];
  return {
    seconds: () => (performance.now() - started) / 1000,
    advance: (size: number): ProgressEvent => {
      step++;
      done += size / rows;
      const rate = done * 1000 / (performance.now() - started);
      const [imagesPerSecond, secondsLeft] = [rate, Math.max(0, images - done) / rate];
      return { event: "progress", step, steps, imagesPerSecond, secondsLeft };
    },
  };
};

/**
 * Draws images into a file, `batch` at a time; an image depends on the seed and its own index alone.
 *
 * @returns 0, or 130 after Ctrl-C, when no file is left behind
 * @throws {UsageError} if the options do not fit together or to the model
 * @throws {ModelError} if the model cannot be read
 */
export const draw = async (options: Options): Promise<number> => {
  const { model, out, batch, dtype } = options;
  imageFileKind(out, dtype);
  using interrupt = listenForInterrupt();
  const reporter = createReporter({ jsonMilliseconds: 1000 });

  const pipeline = await loadPipeline(model);
  const engine = await openEngine(options.engine, options);
  const network = createDenoiser(engine, pipeline);
  const { height, width, channels } = network;
  const shape = { height, width, channels };
  const size = height * width * channels;

  const latents = options.latents === undefined ? null : await readLatents(options.latents, shape);
  if (latents && options.n !== undefined && options.n !== latents.count) {
    throw new UsageError(`--n must be ${latents.count}, as many as --latents holds, received ${options.n}`);
  }
  const n = options.n ?? latents?.count ?? 16;
  const info = describeModel(pipeline, engine, network);
  const sampling = inFlags(() => resolveSampling({ ...options, n }, info));
  const task = inFlags(() => compileTask({ kind: "generate", sampling }, targetOf(pipeline, network)));
  const startOf = (i: number): Row => startRow(task, i, latents?.values.slice(i * size, (i + 1) * size));

  using file = openImageFile(out, { count: n, dtype, labels: sampling.labels, ...shape });
  const { sampler, seed, steps } = sampling;
  reporter.report({ event: "start", model, engine: engine.name, images: n, sampler, steps, seed });
  const meter = createMeter(n, task.steps, batch);
  try {
    for (let first = 0; first < n; first += batch) {
      const rows = Array.from({ length: Math.min(batch, n - first) }, (_, i) => startOf(first + i));
      await denoise(network, rows, {
        nullLabel: pipeline.nullLabel,
        signal: interrupt.signal,
        onStep: () => reporter.report(meter.advance(rows.length)),
      });
      for (const { x } of rows) file.append(x);
    }
    file.finish();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    reporter.report({ event: "error", message: `called off; ${out} was not written` });
    return INTERRUPTED;
  } finally {
    network.dispose();
  }
  reporter.report({ event: "done", file: out, images: n, seed, seconds: meter.seconds() });
  return 0;
};
