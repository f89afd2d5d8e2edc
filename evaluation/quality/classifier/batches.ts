import { uniform } from "../../../core/noise.ts";
import type { Dataset } from "../../../jobs/data/dataset.ts";
import { CLASSIFIER_DOMAIN } from "./initialize.ts";

/** Where the offsets of shifted images are drawn from, apart from the weights. */
const SHIFT_STEP = 1;

/** Copies an image, moved by (dx, dy) pixels; what comes in from outside is black. */
const move = (
  image: Uint8Array,
  { height, width, channels }: { height: number; width: number; channels: number },
  { dx, dy }: { dx: number; dy: number },
  into: Float32Array,
  at: number,
): void => {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromY, fromX] = [y - dy, x - dx];
      const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
      for (let c = 0; c < channels; c++) {
        into[at++] = inside ? image[(fromY * width + fromX) * channels + c] / 127.5 - 1 : -1;
      }
    }
  }
};

/**
 * Gathers images for a classifier's training, each moved by up to `shift` pixels in both directions: by how many is a
 * function of the seed and of the image's place in the endless order of training alone.
 *
 * @param place the place of the first image
 * @returns flat NHWC in [−1, 1]
 */
export const shiftedImages = (
  dataset: Dataset,
  indices: ArrayLike<number>,
  { seed, place, shift }: { seed: number; place: number; shift: number },
): Float32Array<ArrayBuffer> => {
  const { height, width, channels } = dataset;
  const size = height * width * channels;
  const image = new Uint8Array(size);
  const images = new Float32Array(indices.length * size);
  const draw = (i: number, axis: number) =>
    Math.floor(uniform(seed, place + i, SHIFT_STEP, axis, CLASSIFIER_DOMAIN) * (2 * shift + 1)) - shift;
  for (let i = 0; i < indices.length; i++) {
    dataset.read(indices[i], image);
    move(image, dataset, { dx: draw(i, 0), dy: draw(i, 1) }, images, i * size);
  }
  return images;
};
