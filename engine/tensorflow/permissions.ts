import { dirname } from "@std/path";
import { findLibrary, LIBRARY_VARIABLE, LOG_VARIABLE } from "./library.ts";

/** The permissions that a process needs to load the library which this one finds; none where it finds none. */
export const libraryPermissions = (): { read: string[]; ffi: string[]; env: string[] } => {
  const path = findLibrary();
  if (path === null) return { read: [], ffi: [], env: [] };
  const folder = dirname(path);
  return { read: [folder], ffi: [folder], env: [LIBRARY_VARIABLE, LOG_VARIABLE] };
};
