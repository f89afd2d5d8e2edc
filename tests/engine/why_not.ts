import type { EngineName } from "../../engine/mod.ts";
import { loadRuntime } from "../../engine/onnx/session.ts";
import { findLibrary } from "../../engine/tensorflow/find_library.ts";
import { isGranted } from "../../engine/permissions.ts";
import { openLibrary } from "../../engine/tensorflow/library.ts";
import { requestAdapter } from "../../engine/webgpu/adapter.ts";

/** The variable that names the engines to test, in a list; without it, each that is here is tested. */
const VARIABLE = "DENOISE_TEST_ENGINES";

const list = isGranted({ name: "env", variable: VARIABLE }) ? Deno.env.get(VARIABLE) : undefined;
const isChosen = (engine: EngineName): boolean => list === undefined || list.split(",").includes(engine);

// A Vulkan driver that is there before TensorFlow brings an LLVM of its own, in which TensorFlow's then crashes.
const library = isChosen("tensorflow") ? findLibrary() : null;
if (library !== null) openLibrary(library);

const onnxFailure: string = isChosen("onnx") ? await loadRuntime().then(() => "", ({ message }) => message) : "";

const softwareAdapter = isChosen("webgpu-software") ? await requestAdapter({ software: true }) : null;

/** What stands in the way of testing on this engine, or "" for nothing. */
export const whyNot = (engine: EngineName): string => {
  if (!isChosen(engine)) return `is not in ${VARIABLE}=${list}`;
  if (engine === "onnx") return onnxFailure;
  if (engine === "tensorflow" && findLibrary() === null) {
    return "needs TensorFlow: DENOISE_TENSORFLOW, and leave to load it";
  }
  if (engine === "webgpu-software" && softwareAdapter === null) return "needs a software adapter: Mesa's lavapipe";
  return "";
};
