import { basename } from "@std/path";
import { isBuiltin } from "../../datasets/names.ts";
import { openDataset } from "../../datasets/open.ts";
import { escapeTex } from "../../figures/typeset.ts";
import { cover } from "../../formats/cover.ts";
import { decodeImage } from "../../formats/decode_image.ts";
import type { ImageShape } from "../../formats/pixels.ts";
import { compileTask } from "../../sampling/compile.ts";
import { startRow } from "../../sampling/denoise.ts";
import { randomSeed, type ResolvedSampling, resolveSampling } from "../../sampling/parameters.ts";
import { UsageError } from "../cli/command.ts";
import { withFlagNames } from "../cli/in_flags.ts";
import { joinWithAnd } from "./captions.ts";
import type { FigureContext } from "./draw_figure.ts";

/**
 * The timesteps that a figure shows, as the paper counts them: those asked for, or eleven from 0 to T.
 *
 * @throws {UsageError} if one lies outside [0, T]
 */
export const shownTimesteps = (timesteps: readonly number[], T: number): readonly number[] => {
  const beyond = timesteps.find((t) => t > T);
  if (beyond !== undefined) throw new UsageError(`--t must be in [0, ${T}] for this model, received ${beyond}`);
  if (timesteps.length > 0) return timesteps;
  return [...new Set(Array.from({ length: 11 }, (_, i) => Math.round(i * T / 10)))];
};

/** What a figure's options say of the images it begins with. */
export interface FigureImageOptions {
  readonly image: readonly string[];
  readonly data?: string;
  readonly index: readonly number[];
}

/** Images that a figure begins with, and where they are from, as its caption says it. */
export interface FigureImages {
  /** H·W·C values in [−1, 1] each. */
  readonly images: readonly Float32Array[];
  readonly origin: string;
}

const readFile = async (path: string, shape: ImageShape): Promise<Float32Array> => {
  const refuse = (reason: string, cause: unknown) => new UsageError(`--image ${path}: ${reason}`, { cause });
  const bytes = await Deno.readFile(path).catch((cause) => {
    if (cause instanceof Deno.errors.NotFound) throw refuse("there is no such file", cause);
    if (cause instanceof Deno.errors.IsADirectory) throw refuse("it is a folder; --data takes one", cause);
    throw cause;
  });
  return await decodeImage(bytes, shape).catch((cause) => {
    throw cause instanceof Error && cause.name === "ImageError" ? refuse(cause.message, cause) : cause;
  });
};

const readData = async (
  data: string,
  { index, least }: { index: readonly number[]; least: number },
  { target, signal, reporter }: FigureContext,
): Promise<{ images: Float32Array[]; indices: readonly number[] }> => {
  const { height, width, channels } = target;
  const size = height === width && !isBuiltin(data) ? width : undefined;
  using dataset = await openDataset(data, { size, signal, onProgress: (event) => reporter.report({ ...event }) });
  if (index.length === 0 && dataset.count < least) {
    throw new UsageError(
      `--data must have ${least} images or more for this figure, received ${data}, with ${dataset.count}`,
    );
  }
  const indices = index.length > 0 ? index : Array.from({ length: least }, (_, i) => i);
  const images = indices.map((index) => {
    if (index >= dataset.count) {
      throw new UsageError(`--index must be in [0, ${dataset.count - 1}] for ${data}, received ${index}`);
    }
    const bytes = new Uint8Array(dataset.height * dataset.width * dataset.channels);
    dataset.read(index, bytes);
    const extent = { height: dataset.height, width: dataset.width, channels: dataset.channels as 1 | 3 };
    return cover({ ...extent, data: bytes, orientation: 1 }, { height, width, channels })
      .map((value) => Math.min(255, Math.max(0, value)) / 127.5 - 1);
  });
  return { images, indices };
};

const drawImages = async (sampling: ResolvedSampling, { target, denoise }: FigureContext): Promise<Float32Array[]> => {
  const task = withFlagNames(() => compileTask({ kind: "generate", sampling }, target));
  const rows = Array.from({ length: sampling.n }, (_, i) => startRow(task, i));
  await denoise(rows);
  return rows.map(({ x }) => x);
};

/** Checks what can be checked before a model is loaded. */
const checkImageOptions = (
  { image, data, index }: FigureImageOptions,
  { least, most }: { least: number; most: number },
): void => {
  if (image.length > 0 && data !== undefined) throw new UsageError("--image must be left out where --data is given");
  if (index.length > 0 && data === undefined) {
    throw new UsageError("--index must be left out where --data is not given");
  }
  for (const [flag, list] of [["--image", image], ["--index", index]] as const) {
    if (list.length > 0 && (list.length < least || list.length > most)) {
      const allowed = least === most ? `${least} entries` : `${least} to ${most} entries`;
      throw new UsageError(`${flag} must have ${allowed}, received ${list.length}`);
    }
  }
};

/** The sampling parameters of a figure of the paper: T steps and a random seed unless they are given. */
export const resolveFigureSampling = (
  { seed = randomSeed(), steps, ...options }: Omit<Parameters<typeof resolveSampling>[0], "n">,
  n: number,
  { limits }: FigureContext,
): ResolvedSampling =>
  withFlagNames(() =>
    resolveSampling({ ...options, n, seed, steps: steps ?? limits.timesteps }, { ...limits, recommended: undefined })
  );

/**
 * The images that a figure begins with: files, images of a data set by index, or images that the model draws.
 *
 * @param options.least how many at least, which is how many are drawn or taken from the beginning of a data set
 * @param options.sampling how the model draws them
 * @throws {UsageError} if there are too few or too many, or one cannot be read
 * @throws {DatasetError} if there is no such data set
 */
export const readFigureImages = async (
  choice: FigureImageOptions,
  context: FigureContext,
  { least, most, sampling }: { least: number; most: number; sampling: () => ResolvedSampling },
): Promise<FigureImages> => {
  checkImageOptions(choice, { least, most });
  const { image, data, index } = choice;
  if (image.length > 0) {
    const images: Float32Array[] = [];
    for (const path of image) images.push(await readFile(path, context.target));
    return { images, origin: joinWithAnd(image.map((path) => escapeTex(basename(path)))) };
  }
  if (data !== undefined) {
    const { images, indices } = await readData(data, { index, least }, context);
    return {
      images,
      origin: `image${indices.length === 1 ? "" : "s"} ${joinWithAnd(indices)} of ${escapeTex(basename(data))}`,
    };
  }
  return { images: await drawImages(sampling(), context), origin: "drawn by the model" };
};
