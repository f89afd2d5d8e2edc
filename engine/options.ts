import { z } from "zod";
import { ENGINES } from "./engine.ts";

/** The options that choose an engine, of every program that opens one. */
export const engineOptions = {
  engine: z.enum(["auto", ...ENGINES]).default("auto")
    .describe("Where the network runs; auto takes the best there is"),
  tensorflow: z.string().min(1).optional()
    .describe("TensorFlow's library, or a folder that holds it, in place of DENOISE_TENSORFLOW and of .tensorflow/"),
};
