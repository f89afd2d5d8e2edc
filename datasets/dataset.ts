/** A dataset that cannot be had: unknown, missing, damaged or not prepared. Its message is one line. */
export class DatasetError extends Error {
  override name = "DatasetError";
}

/** Where images lie that are larger than memory: flat NHWC bytes, image after image. */
export interface ImagesOnDisk {
  readonly path: string;
}

/** All that a dataset is, without anything open: it can be sent to another thread, which makes it whole again. */
export interface DatasetParts {
  readonly name: string;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** 1: gray, 3: RGB. */
  readonly channels: number;
  /** Flat NHWC, 0 … 255, in memory; shared between threads if its buffer is a SharedArrayBuffer. */
  readonly images: Uint8Array | ImagesOnDisk;
  /** Position of each image among those stored, where some of them are left out; else absent. */
  readonly positions?: Int32Array;
  /** The class of each image. */
  readonly labels: Uint8Array | Int32Array | null;
  readonly classNames: readonly string[] | null;
  /** Differs where the images, their order or their classes differ; absent where they were made by the program. */
  readonly fingerprint?: string;
}

/** Images to learn, with their classes where they have any: in memory, or read from a file as they are asked for. */
export interface Dataset extends DatasetParts, Disposable {
  /**
   * Writes image `index`, H·W·C bytes, to `into` from place `at` on.
   *
   * @throws {RangeError} if there is no such image, or no room for it
   * @throws {Error} if its file has become shorter
   */
  read(index: number, into: Uint8Array<ArrayBuffer>, at?: number): void;
}

/** What may be sent to another thread; `createDataset` there makes the dataset of it. */
export const partsOf = (
  { name, count, height, width, channels, images, positions, labels, classNames, fingerprint }: DatasetParts,
): DatasetParts => ({
  name,
  count,
  height,
  width,
  channels,
  images,
  positions,
  labels,
  classNames,
  fingerprint,
});

const fill = (file: Deno.FsFile, into: Uint8Array, path: string): void => {
  for (let done = 0; done < into.length;) {
    const read = file.readSync(into.subarray(done));
    if (read === null) throw new Error(`cannot read ${path}: it has become shorter`);
    done += read;
  }
};

/**
 * A dataset of its parts. One that is read from a file opens it, and closes it when it is disposed.
 *
 * @throws {RangeError} if the images in memory are not as many as `count` says
 * @throws {Deno.errors.NotFound} if the file is not there
 */
export const createDataset = (parts: DatasetParts): Dataset => {
  const { images, positions, count, height, width, channels } = parts;
  const size = height * width * channels;
  if (positions === undefined && images instanceof Uint8Array && images.length !== count * size) {
    throw new RangeError(`images must have ${count}×${height}×${width}×${channels} bytes, received ${images.length}`);
  }
  const file = images instanceof Uint8Array ? null : Deno.openSync(images.path);
  return {
    ...partsOf(parts),
    read: (index, into, at = 0) => {
      if (!(Number.isInteger(index) && index >= 0 && index < count)) {
        throw new RangeError(`index must be an integer in [0, ${count - 1}], received ${index}`);
      }
      if (!(Number.isInteger(at) && at >= 0 && at + size <= into.length)) {
        throw new RangeError(`at must leave room for ${size} bytes in ${into.length}, received ${at}`);
      }
      const position = positions?.[index] ?? index;
      if (images instanceof Uint8Array) {
        into.set(images.subarray(position * size, (position + 1) * size), at);
      } else {
        file!.seekSync(position * size, Deno.SeekMode.Start);
        fill(file!, into.subarray(at, at + size), images.path);
      }
    },
    [Symbol.dispose]: () => file?.close(),
  };
};

/**
 * A dataset without the images of all but some classes. The classes keep their order, whatever that of `classes` is, and
 * are counted anew from 0.
 *
 * @throws {DatasetError} if the dataset has no classes, or lacks one of these
 */
export const chooseClasses = (parts: DatasetParts, classes: readonly string[]): DatasetParts => {
  const { name, labels, classNames, positions, fingerprint } = parts;
  if (labels === null || classNames === null) {
    throw new DatasetError(`classes must be left out with ${name}, which has none`);
  }
  const unknown = classes.find((wanted) => !classNames.includes(wanted));
  if (unknown !== undefined) {
    const allowed = classNames.map((known) => JSON.stringify(known)).join(", ");
    throw new DatasetError(`classes must be of ${name}'s ${allowed}, received ${JSON.stringify(unknown)}`);
  }
  const chosen = classNames.filter((known) => classes.includes(known));
  const labelOf = classNames.map((known) => chosen.indexOf(known));
  const chosenImages = Int32Array.from(labels.keys()).filter((i) => labelOf[labels[i]] >= 0);
  return {
    ...parts,
    count: chosenImages.length,
    positions: chosenImages.map((i) => positions?.[i] ?? i),
    labels: chosenImages.map((i) => labelOf[labels[i]]),
    classNames: chosen,
    fingerprint: fingerprint === undefined ? undefined : `${fingerprint} ${JSON.stringify(chosen)}`,
  };
};
