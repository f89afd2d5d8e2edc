import type { EngineName } from "../../engine/mod.ts";
import { findLibrary } from "../../engine/tensorflow/find_library.ts";
import { openLibrary } from "../../engine/tensorflow/library.ts";
import { requestAdapter } from "../../engine/webgpu/adapter.ts";

// A Vulkan driver that is there before TensorFlow brings an LLVM of its own, in which TensorFlow's then crashes.
const library = findLibrary();
if (library !== null) openLibrary(library);

const softwareAdapter = await requestAdapter({ software: true });

/** What stands in the way of testing on this engine, or "" for nothing. */
export const whyNot = (engine: EngineName): string => {
  if (engine === "tensorflow" && findLibrary() === null) {
    return "needs TensorFlow: DENOISE_TENSORFLOW, and leave to load it";
  }
  if (engine === "webgpu-software" && softwareAdapter === null) return "needs a software adapter: Mesa's lavapipe";
  return "";
};
