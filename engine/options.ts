import { z } from "zod";
import { ENGINES, ONNX_DEVICES, XLA_CHOICES } from "./engine.ts";

/** The options that choose an engine, of every program that opens one. */
export const engineOptions = {
  engine: z.enum(["auto", ...ENGINES]).default("auto")
    .describe("What runs the network; auto takes the best there is"),
  device: z.enum(["auto", ...ONNX_DEVICES]).default("auto")
    .describe("What the engine onnx computes on; auto takes a graphics card that it reaches, else the processor"),
  threads: z.int().min(1).max(1024).optional()
    .describe("Threads of the processor for onnx and tensorflow; as many as it runs at once if not given"),
  tensorflow: z.string().min(1).optional()
    .describe("TensorFlow's library, or a folder that holds it, in place of DENOISE_TENSORFLOW and of .tensorflow/"),
  xla: z.enum(XLA_CHOICES).default("auto")
    .describe(
      "Whether TensorFlow compiles the network by XLA, which takes seconds once; the last bits may then depend on the " +
        "batch. auto is off on a processor, and measured on a graphics card",
    ),
};
