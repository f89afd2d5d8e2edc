import type { EngineName } from "../../engine/mod.ts";
import { findLibrary } from "../../engine/tensorflow/library.ts";
import { requestAdapter } from "../../engine/webgpu/adapter.ts";

const softwareAdapter = await requestAdapter({ software: true });

/** What stands in the way of testing on this engine, or "" for nothing. */
export const whyNot = (engine: EngineName): string => {
  if (engine === "tensorflow" && findLibrary() === null) {
    return "needs TensorFlow: DENOISE_TENSORFLOW, and leave to load it";
  }
  if (engine === "webgpu-software" && softwareAdapter === null) return "needs a software adapter: Mesa's lavapipe";
  return "";
};
