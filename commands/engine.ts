import { z } from "zod";
import { INSTALLABLE } from "../engine/install.ts";
import { engineOptions as choice } from "../engine/options.ts";
import { defineCommand } from "./cli/command.ts";

/** The options of `engine`. */
export const engineCommandOptions = z.strictObject({
  action: z.enum(["list", "install"]).default("list")
    .describe(
      "list what can compute here, or install TensorFlow's libraries into .tensorflow/, or ONNX Runtime's for CUDA into " +
        ".onnxruntime/",
    ),
  what: z.enum(INSTALLABLE).optional()
    .describe(
      "With install: TensorFlow for this processor (1.3 GB), or with CUDA's libraries (some 5 GB); ONNX Runtime with " +
        "CUDA's (2.4 GB)",
    ),
  from: z.string().min(1).optional()
    .describe(
      "With install: link a TensorFlow that is installed already, in this folder or virtual environment; " +
        "python is the one that python3 has",
    ),
  tensorflow: choice.tensorflow,
  json: z.boolean().default(false)
    .describe("List as JSON"),
}).superRefine(({ action, what, from, tensorflow }, context) => {
  const issue = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
  if (action === "list") {
    if (what !== undefined) issue("what", "left out without install");
    if (from !== undefined) issue("from", "left out without install");
    return;
  }
  if (tensorflow !== undefined) issue("tensorflow", "left out with install; --from links a library that is there");
  if (what === undefined && from === undefined) {
    issue("what", `one of ${INSTALLABLE.join(", ")} with install, or --from given`);
  }
  if (what !== undefined && from !== undefined) issue("from", `left out with ${what}, which is downloaded`);
});

/** The `engine` command: what the network can run on here. */
export const engineCommand = defineCommand({
  options: engineCommandOptions,
  positionals: ["action", "what"],
  examples: [
    { line: "deno task engine", does: "Every engine, its version and device, and which one auto takes and why." },
    { line: "deno task engine install cpu", does: "TensorFlow by pip or uv, pinned and checked." },
    { line: "deno task engine install onnx-cuda", does: "ONNX Runtime with CUDA, the same way." },
    { line: "deno task engine install --from python", does: "The TensorFlow that python3 has, without a download." },
    { line: "deno task engine install --from /usr/local", does: "One that lies elsewhere: a link to its folder." },
  ],
});
