import { join } from "@std/path";
import { ImageError } from "../formats/raster/raster.ts";
import { DatasetError } from "./dataset.ts";
import { extentOf, readPicture } from "./decode_picture.ts";
import { decodeInParallel } from "./decode_pool.ts";
import type { DatasetSource, SourceFile, SourcePiece } from "./source.ts";

const PICTURE = /\.(png|jpe?g|webp)$/i;

/** The pictures of a folder, in the order of their names; each is of the class of its first subfolder. */
export interface PictureList {
  readonly files: readonly SourceFile[];
  /** The class of each file; `null` unless they lie in two subfolders or more. */
  readonly labels: Int32Array | null;
  readonly classNames: readonly string[] | null;
}

/** Files by their paths from the folder on. Hidden ones are left out; links are followed, each folder once. */
const walk = async (
  folder: string,
  signal?: AbortSignal,
  prefix = "",
  seen = new Set<string>(),
): Promise<SourceFile[]> => {
  signal?.throwIfAborted();
  const { dev, ino } = await Deno.stat(folder);
  if (ino !== null && seen.has(`${dev}:${ino}`)) return [];
  seen.add(`${dev}:${ino}`);
  const files: SourceFile[] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    if (!isDirectory && !isSymlink && !PICTURE.test(name)) continue;
    const info = await Deno.stat(path).catch((error) => {
      if (isSymlink && error instanceof Deno.errors.NotFound) return null;
      throw error;
    });
    if (info?.isDirectory) files.push(...await walk(path, signal, `${prefix}${name}/`, seen));
    else if (info?.isFile && PICTURE.test(name)) {
      const [modified, changed] = [info.mtime?.getTime() ?? 0, info.ctime?.getTime() ?? 0];
      files.push({ name: `${prefix}${name}`, path, bytes: info.size, modified, changed });
    }
  }
  return files;
};

const byName = (a: SourceFile, b: SourceFile): number => a.name < b.name ? -1 : 1;

/**
 * Finds the PNG, JPEG and WebP files of a folder and of what lies below it. Subfolders of the first level are classes,
 * where there are two or more.
 *
 * @throws {DatasetError} if there is none, or some lie beside subfolders that have others
 */
export const listPictures = async (folder: string, signal?: AbortSignal): Promise<PictureList> => {
  const files = (await walk(folder, signal)).sort(byName);
  if (files.length === 0) {
    throw new DatasetError(`${folder} holds no picture: no file in it ends in .png, .jpg, .jpeg or .webp`);
  }
  const classOf = ({ name }: SourceFile) => name.includes("/") ? name.slice(0, name.indexOf("/")) : null;
  const loose = files.find((file) => classOf(file) === null);
  const classed = files.find((file) => classOf(file) !== null);
  if (loose && classed) {
    throw new DatasetError(
      `${folder} holds pictures (${loose.name}) beside a subfolder with others (${classed.name}): subfolders are ` +
        "classes, so put every picture into one, or none",
    );
  }
  const classNames = [...new Set(files.map(classOf))].filter((name) => name !== null).sort();
  if (classNames.length < 2) return { files, labels: null, classNames: null };
  const numbers = new Map(classNames.map((name, i) => [name, i]));
  return { files, labels: Int32Array.from(files, (file) => numbers.get(classOf(file)!)!), classNames };
};

/** The size of the first picture that can be read; the others have to have it too. */
const commonSize = async (folder: string, { files }: PictureList): Promise<{ name: string; size: number }> => {
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
  pictures: PictureList,
  { size, workers = Math.min(16, navigator.hardwareConcurrency) }: { size?: number; workers?: number } = {},
): Promise<DatasetSource> => {
  const { files, labels, classNames } = pictures;
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
        skipped: faults.map(({ index, reason }) => ({ file: files[first + index].name, reason })),
        done: first + length,
      };
    }
  };
  return { height: side, width: side, channels: 3, total: files.length, classNames, pieces };
};
