import { openEngine, type OpenEngineOptions } from "../../engine/mod.ts";
import type { EngineName } from "../../engine/engine.ts";
import { sampleShape } from "../../model/config.ts";
import { createDenoiser, type Denoiser } from "../../model/denoiser.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import type { Target } from "../../serving/compile.ts";
import { denoise } from "../../serving/denoise.ts";
import { targetOf } from "../../serving/loaded_model.ts";
import type { ModelLimits } from "../../serving/resolve.ts";
import type { Row } from "../../serving/row.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../interrupt.ts";
import { createReporter, type ProgressEvent, type Reporter } from "../progress.ts";
import { openFigureFiles } from "./figure_file.ts";

/** What a figure is drawn with: a model, which is put on its engine only when it is asked. */
export interface Studio {
  readonly pipeline: Pipeline;
  readonly target: Target;
  readonly limits: ModelLimits;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Takes rows to their images, in place; `onStep` sees those that were moved. */
  denoise(rows: readonly Row[], onStep?: (rows: readonly Row[]) => void): Promise<void>;
}

/** What of a figure's options says how the model is run. */
export interface StudioOptions extends OpenEngineOptions {
  readonly model: string;
  readonly out: string;
  readonly batch?: number;
  readonly engine?: EngineName | "auto";
}

const createMeter = (rows: readonly Row[]) => {
  const started = performance.now();
  const steps = rows.reduce((sum, { task }) => sum + task.steps, 0);
  let step = 0;
  return (moved: number): ProgressEvent => {
    step += moved;
    const secondsLeft = (steps - step) / step * (performance.now() - started) / 1000;
    return { event: "progress", step, steps, secondsLeft };
  };
};

const createStudio = (
  pipeline: Pipeline,
  { model, batch, engine: name, ...engineOptions }: StudioOptions,
  { signal, reporter }: { signal: AbortSignal; reporter: Reporter },
): Studio & Disposable => {
  const [height, width] = sampleShape(pipeline.unet);
  const { in_channels: channels, num_class_embeds: numClasses } = pipeline.unet;
  const target = targetOf(pipeline, { height, width, channels, numClasses });
  const { labels, nullLabel } = pipeline;
  let network: Denoiser | null = null;
  const open = async () => {
    const engine = await openEngine(name, engineOptions);
    reporter.report({ event: "start", model, engine: engine.name });
    return createDenoiser(engine, pipeline);
  };
  return {
    pipeline,
    target,
    limits: { timesteps: target.timesteps, labels, nullLabel },
    signal,
    reporter,
    denoise: async (rows, onStep) => {
      network ??= await open();
      const advance = createMeter(rows);
      await denoise(network, rows, {
        nullLabel,
        batch,
        signal,
        onStep: (moved) => {
          onStep?.(moved);
          reporter.report(advance(moved.length));
        },
      });
    },
    [Symbol.dispose]: () => network?.dispose(),
  };
};

/**
 * Draws a figure of a model into its files. Where it may be written is asked before any work.
 *
 * @param command whose figure it is
 * @param draw makes the SVG, and names what is to be told with it, as the seed
 * @returns 0, or 130 after Ctrl-C, when nothing is left behind
 * @throws {UsageError} if the figure cannot be written
 * @throws {ModelError} if the model cannot be read
 */
export const drawFigure = async (
  command: string,
  options: StudioOptions,
  draw: (studio: Studio) => Promise<{ svg: string; facts?: Readonly<Record<string, unknown>> }>,
): Promise<number> => {
  const started = performance.now();
  using interrupt = listenForInterrupt();
  const reporter = createReporter({ jsonMilliseconds: 1000 });
  using files = openFigureFiles(options.out, command);
  const { paths } = files;
  try {
    const pipeline = await loadPipeline(options.model);
    using studio = createStudio(pipeline, options, { signal: interrupt.signal, reporter });
    const { svg, facts } = await draw(studio);
    interrupt.signal.throwIfAborted();
    await files.write(svg);
    const seconds = (performance.now() - started) / 1000;
    reporter.report({ event: "done", file: paths.join(", "), ...facts, seconds });
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    reporter.report({ event: "error", message: `called off; ${paths.join(", ")} not written` });
    return INTERRUPTED;
  }
};
