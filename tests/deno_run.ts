/**
 * How tests start Deno. The packages are there, since the tests run: to look for each of them again, as deno.json asks for
 * the sake of a first start, takes 1.5 seconds, in which no other process may start.
 */
export const DENO_RUN = ["run", "--quiet", "--no-prompt", "--node-modules-dir=manual"];
