import { DatasetError } from "./dataset_error.ts";
import { createDataset, type Dataset } from "./images.ts";
import { loadMnist } from "./mnist.ts";
import { DATA_ROOT, DATASETS, isBuiltin } from "./names.ts";

export { DatasetError } from "./dataset_error.ts";
export type { Dataset, DatasetParts } from "./images.ts";
export { type DatasetName, DATASETS, isBuiltin, resolveDataName } from "./names.ts";

/** What is heard while a dataset is prepared. */
export type DataEvent =
  /** Images done so far. */
  | {
    readonly event: "progress";
    readonly step: number;
    readonly steps: number;
    readonly imagesPerSecond: number;
    readonly secondsLeft: number;
  }
  /** A file that was passed over; the first ten are told. */
  | { readonly event: "skipped"; readonly file: string; readonly reason: string }
  /** The end: a cache was written. */
  | {
    readonly event: "prepared";
    readonly data: string;
    readonly folder: string;
    readonly images: number;
    readonly skipped: number;
    readonly seconds: number;
  };

/** How a dataset is opened. */
export interface OpenOptions {
  /** Pixels: every image is cut to its middle square and resized to this. */
  readonly size?: number;
  /** The folder of data; what is prepared lies in its `.prepared`. */
  readonly root?: string;
  /** Calls the preparation off; nothing is left of it. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: DataEvent) => void;
}

/**
 * Opens a dataset by its name or path. Nothing is ever downloaded here. What is no cache yet is prepared into one.
 *
 * `mnist`: 60,000 handwritten digits; `mnist-test`: 10,000 others. 28×28, padded by 2 black pixels to 32×32×1.
 *
 * @throws {DatasetError} if it is unknown, missing or damaged
 */
export const openDataset = async (where: string, { root = DATA_ROOT }: OpenOptions = {}): Promise<Dataset> => {
  if (!isBuiltin(where) || !where.startsWith("mnist")) {
    throw new DatasetError(`data must be one of ${DATASETS.join(", ")}, received ${JSON.stringify(where)} (${root})`);
  }
  try {
    return createDataset({ name: where, ...await loadMnist(where === "mnist" ? "train" : "t10k") });
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new DatasetError(cause.message, { cause });
    if (cause instanceof Deno.errors.NotFound) {
      throw new DatasetError(`cannot open dataset ${where}: ${cause.message}; deno install fetches it`, { cause });
    }
    throw cause;
  }
};
