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
 * Whether there is a file or folder at a path. A link is followed: one that leads nowhere is not there.
 *
 * @throws whatever else keeps it from being known: a missing permission among it, a part of the path that is no folder
 */
export const exists = async (path: string): Promise<boolean> => {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};
