import { z } from "zod";
import { defineCommand } from "./cli/command.ts";

/** The options of `export`. */
export const exportOptions = z.strictObject({
  model: z.string().min(1)
    .describe("Folder of a model: a checkpoint, an average of it (ema-RATE in it), or any that sample takes"),
  out: z.string().min(1)
    .describe("Folder to write; it must not exist yet"),
  format: z.enum(["safetensors", "onnx"]).default("safetensors")
    .describe("The network's file: its weights, or all of it as a graph that other runtimes run (unet/model.onnx)"),
  dtype: z.enum(["float32", "float16"]).default("float32")
    .describe("Number format of the file, and inside an ONNX graph; float16 halves its size"),
});

/** The `export` command: a model alone, without what only its training needs. */
export const exportCommand = defineCommand({
  options: exportOptions,
  short: { model: "m", out: "o" },
  paths: ({ model, out }) => ({ read: { model, out }, write: { out } }),
  positionals: ["model", "out"],
  examples: [
    {
      line: "deno task export runs/emoji/checkpoints/step-5000 models/emoji --dtype float16",
      does: "The averaged weights of a checkpoint, to serve, to ship, or to open with diffusers.",
    },
    {
      line: "deno task export models/digits models/digits-onnx --format onnx",
      does: "The network for ONNX Runtime, OpenVINO and browsers.",
    },
  ],
});
