/** Whether this process has a permission already; asking so never prompts. */
export const isGranted = (descriptor: Deno.PermissionDescriptor): boolean =>
  Deno.permissions.querySync(descriptor).state === "granted";

/** The library that a child process is to use, and the permissions that it needs for that. */
export interface LibraryGrant {
  /** The library's file; `null` where this process has none to pass on. */
  readonly path: string | null;
  readonly read: readonly string[];
  readonly ffi: readonly string[];
  readonly env: readonly string[];
}

/** Leave to load nothing. */
export const NO_LIBRARY: LibraryGrant = { path: null, read: [], ffi: [], env: [] };
