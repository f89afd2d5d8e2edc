import { extname, join } from "@std/path";
import { ImageError } from "../formats/raster/raster.ts";
import { DatasetError } from "./dataset.ts";
import { extentOf, readPicture } from "./decode_picture.ts";
import { decodeInParallel } from "./decode_pool.ts";
import type { DatasetSource, SkippedFile, SourcePiece } from "./source.ts";

/** Endings of the pictures that are read: torchvision's, GIF, and other names of these. */
const ENDINGS = ".png .jpg .jpeg .jfif .webp .gif .bmp .tif .tiff .ppm .pgm .pbm .pnm".split(" ");

/** Endings of pictures that are not read. */
const OTHER_ENDINGS =
  ".avif .heic .heif .jxl .jp2 .j2k .svg .ico .psd .xcf .tga .pcx .exr .hdr .pfm .dng .cr2 .cr3 .nef .arw .dcm".split(
    " ",
  );

/** A picture, with what tells whether it has changed. */
export interface PictureFile {
  /** From the folder on, with slashes. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, and when anything of it last changed (to the second): milliseconds since 1970. */
  readonly modified: number;
  readonly changed: number;
}

/** The pictures of a folder, in the order of their names; each is of the class of its first subfolder. */
export interface PictureList {
  readonly files: readonly PictureFile[];
  /** The other files. */
  readonly leftOut: readonly SkippedFile[];
  /** The class of each picture; `null` unless they lie in two subfolders or more. */
  readonly labels: Int32Array | null;
  readonly classNames: readonly string[] | null;
}

const endingOf = (name: string): string => extname(name).toLowerCase();

const isPicture = (name: string): boolean => ENDINGS.includes(endingOf(name));

const leaveOut = (file: string): SkippedFile => {
  const files = endingOf(file) === "" ? "files without an ending" : `${endingOf(file)} files`;
  return { file, reason: `${files} are not read`, kind: `unsupported ${endingOf(file) || "without an ending"}` };
};

/**
 * Finds the files of a folder and of what lies below it, by their paths from there on: pictures, and the names of others.
 * Hidden ones are left out; links are followed, each folder once.
 */
const walk = async (folder: string, signal?: AbortSignal): Promise<{ files: PictureFile[]; others: string[] }> => {
  const found: { files: PictureFile[]; others: string[] } = { files: [], others: [] };
  const seen = new Set<string>();
  const visit = async (folder: string, prefix: string): Promise<void> => {
    signal?.throwIfAborted();
    const { dev, ino } = await Deno.stat(folder);
    if (ino !== null && seen.has(`${dev}:${ino}`)) return;
    seen.add(`${dev}:${ino}`);
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
      if (name.startsWith(".")) continue;
      const path = join(folder, name);
      if (!isDirectory && !isSymlink && !isPicture(name)) {
        found.others.push(`${prefix}${name}`);
        continue;
      }
      const info = await Deno.stat(path).catch((error) => {
        if (isSymlink && error instanceof Deno.errors.NotFound) return null;
        throw error;
      });
      if (info?.isDirectory) await visit(path, `${prefix}${name}/`);
      else if (info?.isFile && isPicture(name)) {
        const [modified, changed] = [info.mtime?.getTime() ?? 0, info.ctime?.getTime() ?? 0];
        found.files.push({ name: `${prefix}${name}`, path, bytes: info.size, modified, changed });
      } else found.others.push(`${prefix}${name}`);
    }
  };
  await visit(folder, "");
  return found;
};

const byName = (a: PictureFile, b: PictureFile): number => a.name < b.name ? -1 : 1;

/** The subfolder of the first level in which a file lies; `null` for one that lies in none. */
const classOf = (name: string): string | null => name.includes("/") ? name.slice(0, name.indexOf("/")) : null;

/** How many files there are of each kind, as "12 unsupported .avif, 1 damaged". */
const countKinds = (files: readonly SkippedFile[]): string =>
  [...Map.groupBy(files, ({ kind }) => kind)].map(([kind, { length }]) => `${length} ${kind}`).join(", ");

/** Refuses a subfolder all of whose pictures are of kinds that are not read: as a class it would be missed too late. */
const checkClasses = (folder: string, classNames: readonly string[], leftOut: readonly SkippedFile[]): void => {
  const pictures = leftOut.filter(({ file }) => OTHER_ENDINGS.includes(endingOf(file)));
  const missing = pictures.map(({ file }) => classOf(file)).find((name) => name !== null && !classNames.includes(name));
  if (missing === undefined) return;
  const held = countKinds(pictures.filter(({ file }) => classOf(file) === missing));
  throw new DatasetError(
    `${join(folder, missing!)} holds no picture that is read (${held}), and would be missing among the classes: ` +
      "convert its pictures, or take it away",
  );
};

/**
 * Finds the pictures of a folder and of what lies below it, by their endings. Subfolders of the first level are classes,
 * where there are two or more.
 *
 * @throws {DatasetError} if there is none, some lie beside subfolders that have others, or a subfolder has only pictures
 * that are not read
 */
export const listPictures = async (folder: string, signal?: AbortSignal): Promise<PictureList> => {
  const { files, others } = await walk(folder, signal);
  const leftOut = others.sort().map(leaveOut);
  if (files.length === 0) {
    const held = leftOut.length === 0 ? "" : ` (${countKinds(leftOut)})`;
    throw new DatasetError(`${folder} holds no picture: no file in it${held} ends in ${ENDINGS.join(", ")}`);
  }
  files.sort(byName);
  const loose = files.find(({ name }) => classOf(name) === null);
  const classed = files.find(({ name }) => classOf(name) !== null);
  if (loose && classed) {
    throw new DatasetError(
      `${folder} holds pictures (${loose.name}) beside a subfolder with others (${classed.name}): subfolders are ` +
        "classes, so put every picture into one, or none",
    );
  }
  const classNames = [...new Set(files.map(({ name }) => classOf(name)))].filter((name) => name !== null).sort();
  if (classed) checkClasses(folder, classNames, leftOut);
  if (classNames.length < 2) return { files, leftOut, labels: null, classNames: null };
  const numbers = new Map(classNames.map((name, i) => [name, i]));
  return {
    files,
    leftOut,
    labels: Int32Array.from(files, ({ name }) => numbers.get(classOf(name)!)!),
    classNames,
  };
};

/**
 * Height and width of the first picture that can be read.
 *
 * @throws {DatasetError} if none can
 */
export const firstExtent = async (
  folder: string,
  files: readonly PictureFile[],
): Promise<{ name: string; height: number; width: number }> => {
  let fault: ImageError | null = null;
  for (const { name, path } of files) {
    try {
      return { name, ...extentOf(await readPicture(path)) };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      fault ??= error;
    }
  }
  throw new DatasetError(
    `${folder} holds no picture that can be read; the first of ${files.length}, ${files[0].name}: ${fault!.message}`,
  );
};

/** The size of the first picture that can be read; the others have to have it too. */
const commonSize = async (folder: string, { files }: PictureList): Promise<{ name: string; size: number }> => {
  const { name, height, width } = await firstExtent(folder, files);
  if (height === width) return { name, size: width };
  throw new DatasetError(
    `${folder} needs --size: ${name} is ${width}×${height}, and images that are no squares are cut to one`,
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
  pictures: PictureList,
  { size, workers = Math.min(16, navigator.hardwareConcurrency) }: { size?: number; workers?: number } = {},
): Promise<DatasetSource> => {
  const { files, leftOut, labels, classNames } = pictures;
  const common = size === undefined ? await commonSize(folder, pictures) : null;
  const side = size ?? common!.size;
  const pieces = async function* (signal?: AbortSignal): AsyncGenerator<SourcePiece> {
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
        const { index, height, width } = answer.differs;
        throw new DatasetError(
          `${folder} needs --size: ${common!.name} is ${side}×${side}, and ${files[first + index].name} is ` +
            `${width}×${height}`,
        );
      }
      const { images, isGray, faults } = answer;
      const bad = new Set(faults.map(({ index }) => index));
      yield {
        images,
        isGray,
        labels: labels && labels.subarray(first, first + length).filter((_, index) => !bad.has(index)),
        skipped: faults.map(({ index, reason, kind }) => ({ file: files[first + index].name, reason, kind })),
        done: first + length,
      };
    }
  };
  return { height: side, width: side, channels: 3, total: files.length, classNames, leftOut, pieces };
};
