/**
 * Files: what several folders need of the file system and none of them owns. It imports nothing of the project, and
 * knows neither a format nor what any folder holds.
 *
 * Read `durable.ts` first, which writes so that a power cut leaves the old file or the new one. This file says whether
 * a path is there, and `bytes_below.ts` how much a folder holds.
 *
 * @module
 */

/**
 * What reading a path gives; null where there is nothing to read.
 *
 * @param read as `Deno.stat(path)` or `Deno.readTextFile(path)`
 * @throws whatever else keeps it from being known: a missing permission among it, a part of the path that is no folder
 */
export const unlessMissing = async <T>(read: Promise<T>): Promise<T | null> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
};

/** Whether there is a file or folder at a path. A link is followed: one that leads nowhere is not there. */
export const exists = async (path: string): Promise<boolean> => await unlessMissing(Deno.stat(path)) !== null;

/** Whether anything goes by this name, be it a link that leads nowhere. */
export const isTaken = async (path: string): Promise<boolean> => await unlessMissing(Deno.lstat(path)) !== null;

/** Whether there is a file at a path; a link is followed. */
export const isFile = async (path: string): Promise<boolean> => (await unlessMissing(Deno.stat(path)))?.isFile ?? false;
