import { z } from "zod";
import { ENGINES, XLA_CHOICES } from "./engine.ts";

/** The options that choose an engine, of every program that opens one. */
export const engineOptions = {
  engine: z.enum(["auto", ...ENGINES]).default("auto")
    .describe("Where the network runs; auto takes the best there is"),
  tensorflow: z.string().min(1).optional()
    .describe("TensorFlow's library, or a folder that holds it, in place of DENOISE_TENSORFLOW and of .tensorflow/"),
  xla: z.enum(XLA_CHOICES).default("auto")
    .describe(
      "Whether TensorFlow compiles the network by XLA, which takes seconds once; the last bits may then depend on the " +
        "batch. auto is off on a processor, and measured on a graphics card",
    ),
};
