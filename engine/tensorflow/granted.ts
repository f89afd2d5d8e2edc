/** Whether this process has a permission already; asking so never prompts. */
export const granted = (descriptor: Deno.PermissionDescriptor): boolean =>
  Deno.permissions.querySync(descriptor).state === "granted";
