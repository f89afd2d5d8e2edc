import { z } from "zod";
import { defineCommand } from "./cli/command.ts";

/** The options of `pull`. */
export const pullOptions = z.strictObject({
  repo: z.string().min(1)
    .describe("Model on the hub, as OWNER/NAME"),
  revision: z.string().min(1).default("main")
    .describe("Branch, tag or commit"),
  out: z.string().min(1).optional()
    .describe("Folder to write. Default: models/NAME"),
  endpoint: z.string().min(1).default("https://huggingface.co")
    .describe("Address of the hub"),
  tokenFile: z.string().min(1).optional()
    .describe("File that contains only an access token, for private or gated models"),
});

/** The `pull` command: a model from a hub, into a folder. */
export const pullCommand = defineCommand({
  options: pullOptions,
  short: { out: "o" },
  paths: ({ tokenFile, out }) => ({ read: { tokenFile, out }, write: { out } }),
  positionals: ["repo"],
  examples: [
    {
      line: "deno task pull google/ddpm-cifar10-32",
      does: "Into models/ddpm-cifar10-32; again, to go on after a break.",
    },
    {
      line: "deno run --allow-net=hub.example --allow-read=. --allow-write=models main.ts pull me/mine " +
        "--endpoint https://hub.example",
      does: "From another hub: the task may reach the default one alone.",
    },
  ],
});
