import { z } from "zod";
import { INSTALLABLE } from "../engine/tensorflow/install.ts";
import { defineCommand } from "./command.ts";

/** The options of `engine`. */
export const engineOptions = z.strictObject({
  action: z.enum(["list", "install"]).default("list")
    .describe("list what can compute here, or install TensorFlow's libraries into .tensorflow/"),
  what: z.enum(INSTALLABLE).optional()
    .describe("With install: TensorFlow for this processor (1.3 GB), or with CUDA's libraries (some 5 GB)"),
  json: z.boolean().default(false)
    .describe("List as JSON"),
}).superRefine(({ action, what }, context) => {
  const issue = (message: string) => context.addIssue({ code: "custom", path: ["what"], message });
  if (action === "install" && what === undefined) issue(`one of ${INSTALLABLE.join(", ")} with install`);
  if (action === "list" && what !== undefined) issue("left out without install");
});

/** The `engine` command: what the network can run on here. */
export const engine = defineCommand({
  name: "engine",
  summary: "List the engines that this machine has, or install TensorFlow.",
  options: engineOptions,
  positionals: ["action", "what"],
  examples: [
    { line: "deno task engine", does: "Every engine, its version and device, and which one auto takes." },
    { line: "deno task engine install cpu", does: "TensorFlow by pip or uv, pinned and checked." },
  ],
  run: async ({ action, what, json }) => {
    if (action === "list") return (await import("./list_engines.ts")).listEngines({ json });
    return (await import("./install_engine.ts")).installEngine(what!);
  },
});
