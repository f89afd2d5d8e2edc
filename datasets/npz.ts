import { type NpyArray, npyShape } from "../formats/npy.ts";
import { decodeNpz, firstBytesOf } from "../formats/npz.ts";
import { type ArrayImages, numberedClasses } from "./source.ts";

/** Names of images, with those of their labels; the first that is there is taken. `arr_0` is guided-diffusion's. */
const KEYS = [
  ["images", "labels"],
  ["x_train", "y_train"],
  ["train_images", "train_labels"],
  ["x", "y"],
  ["arr_0", "arr_1"],
] as const;

const labelsOf = ({ dtype, shape, data }: NpyArray, count: number, name: string) => {
  const isFlat = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!isFlat || dtype.startsWith("float")) {
    throw new SyntaxError(`${name} must hold integers of shape (N), received ${dtype} of (${shape.join(", ")})`);
  }
  return numberedClasses(data, count, `${name} (${dtype})`);
};

/** Bytes within which the header of an array is. */
const HEADER = 1024;

/**
 * Shape of the images of an `.npz`, read off their header.
 *
 * @returns `null` if it is none, or holds no images
 */
export const npzShape = async (path: string): Promise<readonly number[] | null> => {
  using file = await Deno.open(path);
  const names = KEYS.map(([images]) => images as string);
  const bytes = await firstBytesOf(file.readable, (name) => names.includes(name), HEADER);
  return bytes && npyShape(bytes);
};

/**
 * Images of an `.npz`: uint8 of shape (N, H, W) or (N, H, W, C) with 1 or 3 channels, with their classes if it has any,
 * which are integers of any type. Its other arrays may be of any kind.
 *
 * @param name what to call the file in an error
 * @throws {SyntaxError} if it is damaged, or holds no such array
 */
export const readNpzImages = (bytes: Uint8Array, name: string): ArrayImages => {
  const decode = (only: (key: string) => boolean) => {
    try {
      return decodeNpz(bytes, { only });
    } catch (cause) {
      if (cause instanceof SyntaxError) throw new SyntaxError(`cannot read ${name}: ${cause.message}`, { cause });
      throw cause;
    }
  };
  const held = new Set<string>();
  decode((key) => {
    held.add(key);
    return false;
  });
  const keys = KEYS.find(([images]) => held.has(images));
  if (!keys) {
    const names = KEYS.map(([images]) => images).join(", ");
    throw new SyntaxError(`cannot read ${name}: it must hold an array named ${names}`);
  }
  const arrays = decode((key) => (keys as readonly string[]).includes(key));
  const { dtype, shape, data } = arrays[keys[0]];
  const [count, height, width, channels = 1] = shape;
  const isImages = (shape.length === 3 || shape.length === 4) && (channels === 1 || channels === 3);
  if (!(isImages && data instanceof Uint8Array && count * height * width > 0)) {
    throw new SyntaxError(
      `cannot read ${name}: ${keys[0]} must be uint8 of shape (N, H, W) or (N, H, W, 1 or 3), ` +
        `received ${dtype} of (${shape.join(", ")})`,
    );
  }
  const classes = held.has(keys[1])
    ? labelsOf(arrays[keys[1]], count, `${keys[1]} of ${name}`)
    : { labels: null, classNames: null };
  return { count, height, width, channels, images: data, ...classes };
};
