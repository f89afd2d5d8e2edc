import type { z } from "zod";
import { countNonFinite } from "../../core/check.ts";
import { openEngine } from "../../engine/mod.ts";
import { decodeNpy } from "../../formats/npy.ts";
import { type ImageShape, nchwToNhwc } from "../../formats/pixels.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { compileTask } from "../../sampling/compile.ts";
import { denoise, type Row, startRow } from "../../sampling/denoise.ts";
import { modelInfoOf, targetOf } from "../../sampling/loaded_model.ts";
import { resolveSampling } from "../../sampling/parameters.ts";
import { UsageError } from "../cli/command.ts";
import { withFlagNames } from "../cli/in_flags.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { createReporter, type ProgressEvent } from "../cli/progress.ts";
import type { sampleOptions } from "../sample.ts";
import { imageFileKind, mostImages, openImageFile } from "./image_file.ts";

/**
 * Reads x_T from a `.npy` of float32, shape [n, C, H, W].
 *
 * @returns flat NHWC, as the sampler holds images
 * @throws {UsageError} if the file cannot be read or does not fit the model
 */
const readLatents = async (
  path: string,
  shape: ImageShape,
): Promise<{ count: number; values: Float32Array<ArrayBuffer> }> => {
  const refuse = (reason: string, cause?: unknown) => new UsageError(`--latents ${path}: ${reason}`, { cause });
  const bytes = await Deno.readFile(path).catch((cause) => {
    throw cause instanceof Deno.errors.NotFound ? refuse("there is no such file", cause) : cause;
  });
  const array = (() => {
    try {
      return decodeNpy(bytes);
    } catch (cause) {
      throw cause instanceof SyntaxError ? refuse(cause.message, cause) : cause;
    }
  })();
  const { channels, height, width } = shape;
  const [count, ...extent] = array.shape;
  const expected = [channels, height, width];
  if (array.shape.length !== 4 || count < 1 || expected.some((size, i) => extent[i] !== size)) {
    throw refuse(`its shape must be (n, ${expected.join(", ")}) for this model, received (${array.shape.join(", ")})`);
  }
  if (!(array.data instanceof Float32Array)) throw refuse(`its type must be float32, received ${array.dtype}`);
  const bad = countNonFinite(array.data);
  if (bad > 0) throw refuse(`its values must be finite, received ${bad} of ${array.data.length} that are not`);
  return { count, values: nchwToNhwc(array.data, shape) };
};

type Options = z.output<typeof sampleOptions>;

/** Images that are drawn if nobody says how many, and a picture can hold as many. */
const IMAGES = 16;

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
export const runSample = async (options: Options): Promise<number> => {
  const { model, out, batch, dtype, scale, resampler } = options;
  imageFileKind(out, options);
  using interrupt = listenForInterrupt();
  const reporter = createReporter({ jsonMilliseconds: 1000 });

  const pipeline = await loadPipeline(model, { notice: (message) => reporter.report({ event: "notice", message }) });
  const engine = await openEngine(options.engine, options);
  const network = createDenoiser(engine, pipeline);
  const { height, width, channels } = network;
  const shape = { height, width, channels };
  const size = height * width * channels;

  const latents = options.latents === undefined ? null : await readLatents(options.latents, shape);
  if (latents && options.n !== undefined && options.n !== latents.count) {
    throw new UsageError(`--n must be ${latents.count}, as many as --latents holds, received ${options.n}`);
  }
  const n = options.n ?? latents?.count ?? mostImages(out, IMAGES, shape, options);
  const info = modelInfoOf(pipeline, engine, network);
  const sampling = withFlagNames(() => resolveSampling({ ...options, n }, info));
  const task = withFlagNames(() => compileTask({ kind: "generate", sampling }, targetOf(pipeline, network)));
  const startOf = (i: number): Row => startRow(task, i, latents?.values.slice(i * size, (i + 1) * size));

  using file = openImageFile(out, { count: n, dtype, scale, resampler, labels: sampling.labels, ...shape });
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
