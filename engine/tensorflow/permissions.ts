import { dirname } from "@std/path";
import { EngineError } from "../engine.ts";
import { type LibraryGrant, NO_LIBRARY } from "../permissions.ts";
import { findLibrary, LIBRARY_VARIABLE, libraryAt } from "./find_library.ts";
import { LOG_VARIABLE, ONEDNN_VARIABLE } from "./library.ts";
import { XLA_VARIABLE } from "./xla.ts";

const findOrNull = (location: string | undefined): string | null => {
  try {
    return location === undefined ? findLibrary() : libraryAt(location);
  } catch (error) {
    // Whoever opens the engine says it.
    if (error instanceof EngineError) return null;
    throw error;
  }
};

/**
 * The permissions that a process needs to load the TensorFlow which this one may load: its library's folder, no more.
 *
 * @param location the library, or a folder that holds it; looked for where {@linkcode findLibrary} looks if not given
 */
export const grantLibrary = (location?: string): LibraryGrant => {
  const path = findOrNull(location);
  if (path === null) return NO_LIBRARY;
  const folder = dirname(path);
  return { path, read: [folder], ffi: [folder], env: [LIBRARY_VARIABLE, LOG_VARIABLE, ONEDNN_VARIABLE, XLA_VARIABLE] };
};
