import { ImageError } from "../../formats/raster/raster.ts";
import { DatasetError } from "./dataset_error.ts";
import { extentOf, readPicture } from "./decode_picture.ts";
import { decodeInParallel } from "./decode_pool.ts";
import type { Pictures } from "./list_pictures.ts";
import type { Piece, Source } from "./source.ts";

/** The size of the first picture that can be read; the others have to have it too. */
const commonSize = async (folder: string, { files }: Pictures): Promise<{ name: string; size: number }> => {
  let fault: ImageError | null = null;
  for (const { name, path } of files) {
    try {
      const { height, width } = extentOf(await readPicture(path));
      if (height === width) return { name, size: width };
      throw new DatasetError(
        `${folder} needs --size: ${name} is ${width}×${height}, and images that are no squares are cut to one`,
      );
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      fault ??= error;
    }
  }
  throw new DatasetError(
    `${folder} holds no picture that can be read; the first of ${files.length}, ${files[0].name}: ${fault!.message}`,
  );
};

/**
 * The pictures of a folder as a source, decoded by several Workers: each is turned as its EXIF data says, laid on black
 * where it is transparent, cut to its middle square and resized to `size`, antialiased (Lanczos of three lobes). They are
 * gray if all of them are, RGB otherwise. Damaged ones are passed over.
 *
 * @param options.size pixels; may be left out if all pictures are squares of one size
 * @throws {DatasetError} if it is left out and they are not
 */
export const folderSource = async (
  folder: string,
  pictures: Pictures,
  { size, workers = Math.min(16, navigator.hardwareConcurrency) }: { size?: number; workers?: number } = {},
): Promise<Source> => {
  const { files, labels, classNames } = pictures;
  const common = size === undefined ? await commonSize(folder, pictures) : null;
  const side = size ?? common!.size;
  const pieces = async function* (signal?: AbortSignal): AsyncGenerator<Piece> {
    const paths = files.map(({ path }) => path);
    for await (
      const { first, length, answer } of decodeInParallel(paths, {
        size: side,
        exact: common !== null,
        workers,
        signal,
      })
    ) {
      if ("failed" in answer) throw new Error(`cannot decode the pictures of ${folder}: ${answer.failed}`);
      if ("differs" in answer) {
        const { place, height, width } = answer.differs;
        throw new DatasetError(
          `${folder} needs --size: ${common!.name} is ${side}×${side}, and ${files[first + place].name} is ` +
            `${width}×${height}`,
        );
      }
      const { images, isGray, faults } = answer;
      const bad = new Set(faults.map(({ place }) => place));
      yield {
        images,
        isGray,
        labels: labels && labels.subarray(first, first + length).filter((_, place) => !bad.has(place)),
        skipped: faults.map(({ place, reason }) => ({ file: files[first + place].name, reason })),
        done: first + length,
      };
    }
  };
  return { height: side, width: side, channels: 3, total: files.length, classNames, pieces };
};
