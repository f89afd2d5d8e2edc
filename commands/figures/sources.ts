import { basename } from "@std/path";
import { literally } from "../../figures/typeset.ts";
import { cover } from "../../formats/cover.ts";
import { decodeImage } from "../../formats/decode_image.ts";
import type { ImageShape } from "../../formats/pixels.ts";
import { openDataset } from "../../jobs/data/dataset.ts";
import { isBuiltin } from "../../jobs/data/names.ts";
import { compileTask } from "../../serving/compile.ts";
import { randomSeed, type ResolvedSampling, resolveSampling } from "../../serving/resolve.ts";
import { startRow } from "../../serving/row.ts";
import { inFlags } from "../in_flags.ts";
import { UsageError } from "../usage_error.ts";
import type { Studio } from "./studio.ts";
import { listed } from "./words.ts";

/** What a figure's options say of the images it begins with. */
export interface SourceChoice {
  readonly image: readonly string[];
  readonly data?: string;
  readonly index: readonly number[];
}

/** Images that a figure begins with, and where they are from, as its caption says it. */
export interface Sources {
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
  indices: readonly number[],
  { target, signal, reporter }: Studio,
): Promise<Float32Array[]> => {
  const { height, width, channels } = target;
  const size = height === width && !isBuiltin(data) ? width : undefined;
  using dataset = await openDataset(data, { size, signal, onProgress: (event) => reporter.report({ ...event }) });
  return indices.map((index) => {
    if (index >= dataset.count) {
      throw new UsageError(`--index must be in [0, ${dataset.count - 1}] for ${data}, received ${index}`);
    }
    const bytes = new Uint8Array(dataset.height * dataset.width * dataset.channels);
    dataset.read(index, bytes);
    const extent = { height: dataset.height, width: dataset.width, channels: dataset.channels as 1 | 3 };
    return cover({ ...extent, data: bytes, orientation: 1 }, { height, width, channels })
      .map((value) => Math.min(255, Math.max(0, value)) / 127.5 - 1);
  });
};

const drawn = async (sampling: ResolvedSampling, { target, denoise }: Studio): Promise<Float32Array[]> => {
  const task = inFlags(() => compileTask({ kind: "generate", sampling }, target));
  const rows = Array.from({ length: sampling.n }, (_, i) => startRow(task, i));
  await denoise(rows);
  return rows.map(({ x }) => x);
};

/** Checks what can be checked before a model is loaded. */
const check = ({ image, data, index }: SourceChoice, { least, most }: { least: number; most: number }): void => {
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

/** The sampling parameters of a figure: T steps and a random seed unless they are given. */
export const resolveFor = (
  { seed = randomSeed(), steps, ...options }: Omit<Parameters<typeof resolveSampling>[0], "n">,
  n: number,
  { limits }: Studio,
): ResolvedSampling =>
  inFlags(() => resolveSampling({ ...options, n, seed, steps: steps ?? limits.timesteps }, limits));

/**
 * The images that a figure begins with: files, images of a data set by index, or images that the model draws.
 *
 * @param options.least how many at least, which is how many are drawn or taken from the beginning of a data set
 * @param options.sampling how the model draws them
 * @throws {UsageError} if there are too few or too many, or one cannot be read
 * @throws {DatasetError} if there is no such data set
 */
export const openSources = async (
  choice: SourceChoice,
  studio: Studio,
  { least, most, sampling }: { least: number; most: number; sampling: () => ResolvedSampling },
): Promise<Sources> => {
  check(choice, { least, most });
  const { image, data, index } = choice;
  if (image.length > 0) {
    const images: Float32Array[] = [];
    for (const path of image) images.push(await readFile(path, studio.target));
    return { images, origin: listed(image.map((path) => literally(basename(path)))) };
  }
  if (data !== undefined) {
    const indices = index.length > 0 ? index : Array.from({ length: least }, (_, i) => i);
    return {
      images: await readData(data, indices, studio),
      origin: `image${indices.length === 1 ? "" : "s"} ${listed(indices)} of ${literally(basename(data))}`,
    };
  }
  return { images: await drawn(sampling(), studio), origin: "drawn by the model" };
};
