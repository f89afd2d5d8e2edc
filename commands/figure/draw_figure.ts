import { extname } from "@std/path";
import type { EngineName } from "../../engine/engine.ts";
import { openEngine, type OpenEngineOptions } from "../../engine/mod.ts";
import { renderSvg } from "../../figures/render_svg.ts";
import { createDenoiser, type Denoiser } from "../../model/denoiser.ts";
import { loadPipeline, type Pipeline } from "../../model/pipeline.ts";
import { sampleShape } from "../../model/unet_config.ts";
import type { Target } from "../../sampling/compile.ts";
import { denoise, type Row } from "../../sampling/denoise.ts";
import { targetOf } from "../../sampling/loaded_model.ts";
import type { ModelLimits } from "../../sampling/parameters.ts";
import { UsageError } from "../cli/command.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { openPendingFile, type PendingFile } from "../cli/pending_file.ts";
import { createReporter, type ProgressEvent, type Reporter } from "../cli/progress.ts";
import { figurePaths } from "../figure.ts";

/** The files of a figure. */
export interface FigureFileWriter {
  /** Their paths. */
  readonly paths: readonly string[];
  /** Writes the figure; each file moves to its place when it is whole. */
  write(svg: string): Promise<void>;
  /** Removes what is left beside them; after `write` nothing is. */
  [Symbol.dispose](): void;
}

const OTHER_ENDINGS = [".jpg", ".jpeg", ".gif", ".webp", ".pdf", ".eps", ".npy", ".npz"];

/**
 * Opens the files of a figure before any work is done for it: NAME.svg and NAME.png, or the one that `out` names.
 *
 * @param command the command whose --out it is
 * @throws {UsageError} if one cannot be written, or `out` has an ending of something else
 */
const openFigureFiles = (out: string, command: string): FigureFileWriter => {
  const ending = extname(out).toLowerCase();
  if (OTHER_ENDINGS.includes(ending)) {
    throw new UsageError(`--out must end in .svg or .png, or in neither for both, received ${JSON.stringify(out)}`);
  }
  const files: PendingFile[] = [];
  const discard = () => files.forEach((file) => file[Symbol.dispose]());
  try {
    for (const path of figurePaths(out)) files.push(openPendingFile(path, command));
  } catch (error) {
    discard();
    throw error;
  }
  return {
    paths: files.map(({ path }) => path),
    write: async (svg) => {
      for (const { path, write } of files) {
        const isPng = extname(path).toLowerCase() === ".png";
        write(isPng ? await renderSvg(svg) : new TextEncoder().encode(svg));
      }
      for (const file of files) file.finish();
    },
    [Symbol.dispose]: discard,
  };
};

/** What a figure is drawn with: a model, which is put on its engine at its first use. */
export interface FigureContext {
  readonly pipeline: Pipeline;
  readonly target: Target;
  readonly limits: ModelLimits;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Takes rows to their images, in place; `onStep` sees those that were moved. */
  denoise(rows: readonly Row[], onStep?: (rows: readonly Row[]) => void): Promise<void>;
}

/** What of a figure's options says how the model is run. */
export interface FigureContextOptions extends OpenEngineOptions {
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

const createFigureContext = (
  pipeline: Pipeline,
  { model, batch, engine: name, ...engineOptions }: FigureContextOptions,
  { signal, reporter }: { signal: AbortSignal; reporter: Reporter },
): FigureContext & Disposable => {
  const [height, width] = sampleShape(pipeline.unet);
  const { in_channels: channels, num_class_embeds: numClasses } = pipeline.unet;
  const target = targetOf(pipeline, { height, width, channels, numClasses });
  const { labels, nullLabel, card } = pipeline;
  let network: Denoiser | null = null;
  const open = async () => {
    const engine = await openEngine(name, engineOptions);
    reporter.report({ event: "start", model, engine: engine.name });
    return createDenoiser(engine, pipeline);
  };
  return {
    pipeline,
    target,
    limits: { timesteps: target.timesteps, labels, nullLabel, recommended: card?.recommended },
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
 * Draws a figure into its files. Whether they can be written is found out before any work.
 *
 * @param command whose figure it is
 * @param draw makes the SVG, and names what is reported with it, as the seed
 * @returns 0, or 130 after Ctrl-C, when nothing is left behind
 * @throws {UsageError} if the figure cannot be written
 */
export const writeFigure = async (
  command: string,
  out: string,
  draw: (
    context: { readonly signal: AbortSignal; readonly reporter: Reporter },
  ) => Promise<{ svg: string; facts?: Readonly<Record<string, unknown>> }>,
): Promise<number> => {
  const started = performance.now();
  using interrupt = listenForInterrupt();
  const reporter = createReporter({ jsonMilliseconds: 1000 });
  using files = openFigureFiles(out, command);
  const { paths } = files;
  try {
    const { svg, facts } = await draw({ signal: interrupt.signal, reporter });
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

/**
 * Draws a figure of a model into its files, as `writeFigure` does.
 *
 * @throws {ModelError} if the model cannot be read
 */
export const drawFigure = (
  command: string,
  options: FigureContextOptions,
  draw: (context: FigureContext) => Promise<{ svg: string; facts?: Readonly<Record<string, unknown>> }>,
): Promise<number> =>
  writeFigure(command, options.out, async ({ signal, reporter }) => {
    const pipeline = await loadPipeline(options.model, {
      notice: (message) => reporter.report({ event: "notice", message }),
    });
    using context = createFigureContext(pipeline, options, { signal, reporter });
    return await draw(context);
  });
