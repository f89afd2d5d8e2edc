import { SEPARATOR } from "@std/path";

/** What says that there is nothing to be read at a path: nothing, or what leads to where this program may not look. */
const NOTHING = [
  Deno.errors.NotFound,
  Deno.errors.NotADirectory,
  Deno.errors.FilesystemLoop,
  Deno.errors.PermissionDenied,
  Deno.errors.NotCapable,
];

/**
 * Where a path leads once all links are followed; null if there is nothing, or it is not below the root.
 *
 * @param root may be a link itself
 */
export const realPathBelow = async (root: string, path: string): Promise<string | null> => {
  try {
    const [base, real] = await Promise.all([Deno.realPath(root), Deno.realPath(path)]);
    return real.startsWith(base + SEPARATOR) ? real : null;
  } catch (error) {
    if (NOTHING.some((kind) => error instanceof kind)) return null;
    throw error;
  }
};
