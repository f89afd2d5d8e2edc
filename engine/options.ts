import { z } from "zod";
import { ENGINES, ONNX_DEVICES, XLA_CHOICES } from "./engine.ts";

/** The options that choose an engine, of every program that opens one. */
export const engineOptions = {
  engine: z.enum(["auto", ...ENGINES]).default("auto")
    .describe("Engine that runs the network; auto picks the best one installed"),
  device: z.enum(["auto", ...ONNX_DEVICES]).default("auto")
    .describe("Device of the engine onnx; auto picks a graphics card if it finds one, otherwise the processor"),
  threads: z.int().min(1).max(1024).optional()
    .describe("Processor threads for onnx and tensorflow. Default: one for each that the processor has"),
  tensorflow: z.string().min(1).optional()
    .describe("TensorFlow's library or its folder, instead of DENOISE_TENSORFLOW or .tensorflow/"),
  xla: z.enum(XLA_CHOICES).default("auto")
    .describe(
      "Compile TensorFlow's network with XLA: takes seconds once, and the last bits may then depend on the " +
        "batch. auto: off on a processor, measured on a graphics card",
    ),
};
