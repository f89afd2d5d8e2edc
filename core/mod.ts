/**
 * The diffusion mathematics of Ho et al. 2020, and of the samplers and bounds that came after, on plain numbers and
 * Float32Arrays.
 *
 * It imports nothing outside this folder, evaluates no network, reads no files and keeps no state: so it runs unchanged
 * in Deno, Node and a browser. Tables of a process are float64, images are float32.
 *
 * @module
 */
export * from "./bound.ts";
export * from "./bound_from_mse.ts";
export * from "./diffusion.ts";
export * from "./forward.ts";
export * from "./gaussian.ts";
export * from "./interpolation.ts";
export * from "./loss_resampler.ts";
export * from "./loss_weights.ts";
export * from "./noise.ts";
export * from "./plan.ts";
export * from "./prediction.ts";
export * from "./repaint.ts";
export * from "./reverse.ts";
export * from "./sample.ts";
export * from "./samplers.ts";
export * from "./schedules.ts";
export * from "./timesteps.ts";
