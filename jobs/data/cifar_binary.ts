import { join } from "@std/path";
import type { ArrayImages } from "./array_images.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;
const ROW = 1 + 3 * PLANE;

/** Names of the files of CIFAR-10's binary version that hold images. */
export const CIFAR_FILE = /^(data_batch_\d+|test_batch)\.bin$/;

/** CIFAR-10's classes, in the order of their labels. */
export const CIFAR10_CLASSES = [
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
export const parseCifar = (
  bytes: Uint8Array,
  name: string,
  classNames: readonly string[] = CIFAR10_CLASSES,
): ArrayImages => {
  const count = bytes.length / ROW;
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new SyntaxError(`cannot read ${name}: it must hold rows of ${ROW} bytes, received ${bytes.length} bytes`);
  }
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    const start = i * ROW;
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
  return { count, height: SIDE, width: SIDE, channels: 3, images, labels, classNames };
};

const readClassNames = async (folder: string): Promise<readonly string[]> => {
  try {
    const lines = (await Deno.readTextFile(join(folder, "batches.meta.txt"))).split("\n").map((line) => line.trim());
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
  const classNames = await readClassNames(folder);
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
