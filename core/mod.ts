export * from "./diffusion.ts";
export * from "./forward.ts";
export * from "./noise.ts";
export * from "./philox.ts";
export * from "./reverse.ts";
export * from "./schedules.ts";
