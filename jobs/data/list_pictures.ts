import { join } from "@std/path";
import { DatasetError } from "./dataset_error.ts";
import type { SourceFile } from "./source.ts";

const PICTURE = /\.(png|jpe?g|webp)$/i;

/** The pictures of a folder, in the order of their names; each is of the class of its first subfolder. */
export interface Pictures {
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
      files.push({ name: `${prefix}${name}`, path, bytes: info.size, modified: info.mtime?.getTime() ?? 0 });
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
export const listPictures = async (folder: string, signal?: AbortSignal): Promise<Pictures> => {
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
