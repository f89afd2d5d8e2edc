import { chooseClasses } from "./choose_classes.ts";
import { DatasetError } from "./dataset_error.ts";
import { createDataset, type Dataset } from "./images.ts";
import { type OpenOptions, placeDataset } from "./place.ts";

export type { DataEvent } from "./data_event.ts";
export { DatasetError } from "./dataset_error.ts";
export { createDataset, type Dataset, type DatasetParts, partsOf } from "./images.ts";
export { type DatasetName, DATASETS, isBuiltin, resolveDataName } from "./names.ts";

/**
 * Opens a dataset: by its name, or the path of a folder of images, an `.npz`, an IDX file, CIFAR-10 binaries, or a cache.
 * What is no cache yet is prepared into one, once. Nothing is ever downloaded here. Up to 1 GiB of images is held in
 * memory that threads share; more is read from the cache as it is asked for.
 *
 * `mnist`: 60,000 handwritten digits; `mnist-test`: 10,000 others. 28×28, padded by 2 black pixels to 32×32×1.
 * `cifar10`: 50,000 photographs of ten classes, 32×32×3; `cifar10-test`: 10,000 others. `emoji`: nine tenths of Google's,
 * 64×64×3; `emoji-test`: the others.
 *
 * @param options.classes names of classes: images of the others are left out
 * @throws {RangeError} if `size` is no integer in [1, 4096]
 * @throws {DatasetError} if there is no such dataset, it is damaged, or has to be fetched or prepared first
 */
export const openDataset = async (
  where: string,
  { classes, ...options }: OpenOptions & { readonly classes?: readonly string[] } = {},
): Promise<Dataset> => {
  try {
    const placed = await placeDataset(where, options);
    if (!placed.isPrepared) await placed.prepare();
    const parts = await placed.open();
    return createDataset(classes === undefined ? parts : chooseClasses(parts, classes));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new DatasetError(cause.message, { cause });
    throw cause;
  }
};
