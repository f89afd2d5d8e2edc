import { z } from "zod";
import { engineOptions } from "../engine/options.ts";
import { defineCommand } from "./command.ts";

/** The options of `serve`. */
export const serveOptions = z.strictObject({
  model: z.string().min(1).default("models/digits")
    .describe("Folder of the model, in diffusers' layout"),
  host: z.string().min(1).default("127.0.0.1")
    .describe("Address to listen on; 0.0.0.0 is all of this machine's"),
  port: z.int().min(0).max(65535).default(8000)
    .describe("Port to listen on; 0 picks a free one"),
  ...engineOptions,
});

/** The `serve` command: images over HTTP, until Ctrl-C. */
export const serve = defineCommand({
  options: serveOptions,
  short: { model: "m", port: "p" },
  examples: [
    { line: "deno task serve", does: "The digits that come with the program, on http://127.0.0.1:8000." },
    { line: "deno task serve --model runs/mine/checkpoints/step-5000", does: "A model of one's own." },
  ],
  run: async (options) => (await import("./listen.ts")).listen(options),
});
