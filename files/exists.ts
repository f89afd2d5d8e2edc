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
