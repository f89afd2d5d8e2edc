import { z } from "zod";
import { metricOf, METRICS } from "../evaluation/metrics.ts";
import { sharedOptions } from "../evaluation/options.ts";
import { defineCommand } from "./cli/command.ts";
import { ownOptions, refuseOthers } from "./evaluate/metric_options.ts";

/** The options of `evaluate`: those of every metric, and each one's own. */
export const evaluateOptions = z.strictObject({
  metric: z.array(z.enum(METRICS.map(({ name }) => name))).min(1).default(["bpd"])
    .describe(`What to measure: ${METRICS.map(({ name, summary }) => `${name}, ${summary}`).join("; ")}`),
  ...sharedOptions.shape,
  json: z.boolean().default(false)
    .describe("Print one JSON document with every number instead of a table"),
  ...ownOptions(METRICS),
}).superRefine(({ metric, ...options }, context) =>
  refuseOthers(
    METRICS,
    metric.map(metricOf),
    options,
    (key, message) => context.addIssue({ code: "custom", path: [key], message }),
  )
);

/** The `evaluate` command: a model held against images. */
export const evaluateCommand = defineCommand({
  options: evaluateOptions,
  short: { model: "m", data: "d", out: "o", n: "n", seed: "s" },
  paths: ({ model, data, out, ...own }) => {
    const { samples, heldOut, features, cache } = own as {
      samples?: string;
      heldOut?: string;
      features?: string;
      cache?: string;
    };
    return { read: { model, data, samples, heldOut, features, cache, out }, write: { cache, out } };
  },
  examples: [
    { line: "deno task evaluate", does: "The bound of models/digits on 256 test digits, in bits per dimension." },
    { line: "deno task evaluate --data mnist -n 1000 --json", does: "On 1000 training digits, as JSON." },
    { line: "deno task evaluate --respacing 50", does: "Of the process that has 50 of its timesteps." },
    { line: "deno task evaluate -m models/ddpm-cifar10-32 -d cifar10-test", does: "Of a model from elsewhere." },
    { line: "deno task evaluate --metric fid,kid,pr,is --sampler ddim", does: "How good 10,000 samples are." },
    { line: "deno task evaluate --metric fid --samples mnist-test -d mnist", does: "What real images would get." },
  ],
});
