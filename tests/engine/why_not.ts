import type { EngineName } from "../../engine/mod.ts";
import { findLibrary } from "../../engine/tensorflow/library.ts";

/** What stands in the way of testing on this engine, or "" for nothing. */
export const whyNot = (engine: EngineName): string =>
  engine === "tensorflow" && findLibrary() === null ? "needs TensorFlow: DENOISE_TENSORFLOW, and leave to load it" : "";
