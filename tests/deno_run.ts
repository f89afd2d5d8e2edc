/** How tests start Deno. */
export const DENO_RUN = ["run", "--quiet", "--no-prompt"];
