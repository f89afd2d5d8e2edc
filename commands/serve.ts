import { z } from "zod";
import { engineOptions } from "../engine/options.ts";
import { LIMITS } from "../routes/http/limits.ts";
import { LOG_LEVELS } from "../routes/http/log.ts";
import { defineCommand } from "./cli/command.ts";
import { jobOptions } from "./cli/job_options.ts";
import { storageOption } from "./cli/job_storage.ts";

/** The options of `serve`. */
export const serveOptions = z.strictObject({
  model: z.array(z.string().min(1)).min(1).default(["models/digits", "models/emoji"])
    .describe(
      "Folder of a model, in diffusers' layout; given several times, the first is the default one. " +
        "What a request leaves open is as its card says, the README.md in it",
    ),
  host: z.string().min(1).default("127.0.0.1")
    .describe("Address to listen on; 0.0.0.0 means every address of this machine"),
  port: z.int().min(0).max(65535).default(8000)
    .describe("Port to listen on; 0 picks a free one"),
  ...engineOptions,
  capacity: z.int().min(2).max(1024).default(16)
    .describe("Rows of one network call; a guided image takes two"),
  deterministic: z.boolean().default(false)
    .describe("Pad every network call to the capacity, so that no bit of an image depends on other requests"),
  queue: z.int().min(500).max(1e12).default(1e6)
    .describe(
      "Work that may be asked of one model and is not done, in images × steps, twice that with guidance or heun; " +
        "clients share it, and beyond its part each gets 429",
    ),
  timeout: z.number().gt(0).max(86_400).default(LIMITS.seconds)
    .describe("Seconds a request may take, waiting included; a request can ask for less with timeoutSeconds"),
  maxConnections: z.int().min(16).max(100_000).default(LIMITS.connections)
    .describe("Most connections with an active request; fewer if the limit of open files (ulimit -n) requires it"),
  maxConcurrent: z.int().min(0).max(100_000).default(LIMITS.concurrent)
    .describe("Most active requests per client (key or address); 0 means no limit"),
  maxImages: z.int().min(1).max(4096).default(LIMITS.images)
    .describe("Images of one request"),
  maxSteps: z.int().min(1).max(100_000).default(LIMITS.steps)
    .describe("Denoising steps of one request; never more than the model's T"),
  maxUpload: z.number().gt(0).max(1024).default(LIMITS.imageBytes / 2 ** 20)
    .describe("Megabytes of a request that holds images; others may have 64 KiB"),
  keepResults: z.number().gt(0).max(86_400 * 7).default(LIMITS.retainedSeconds)
    .describe("Seconds to keep the images of a prediction"),
  keepMegabytes: z.number().gt(0).max(1_000_000).default(LIMITS.retainedBytes / 2 ** 20)
    .describe("Megabytes of predictions to keep; beyond that, the oldest are removed"),
  workers: z.int().min(0).max(64).default(1)
    .describe("Training jobs to run at a time; 0 leaves them to deno task worker"),
  ...jobOptions,
  storage: storageOption,
  allowHost: z.array(z.string().min(1)).default([])
    .describe(
      "Host names to answer to, besides localhost, --host and IP addresses: example.org, *.example.org; * means all",
    ),
  cors: z.array(z.string().min(1)).default([])
    .describe("Origins whose pages may send requests and read answers, such as https://example.org; * means all"),
  log: z.enum(LOG_LEVELS).default("info")
    .describe("What to log on standard error, as JSON lines: nothing, failures, or also every request"),
});

/** The `serve` command: images over HTTP, until Ctrl-C. */
export const serveCommand = defineCommand({
  options: serveOptions,
  short: { model: "m", port: "p" },
  paths: ({ model }) => ({ read: { model } }),
  examples: [
    { line: "deno task serve", does: "The included digits and emoji models, on http://127.0.0.1:8000." },
    { line: "deno task serve --model runs/mine/checkpoints/step-5000", does: "Your own model." },
    {
      line: "deno task serve -m models/digits -m models/cifar",
      does: "Two models; a request selects one with ?model=.",
    },
    {
      line: 'DENOISE_API_KEYS="KEY:generate OTHER:generate,jobs,metrics" deno task serve',
      does: "Requires a key; each key has the rights listed after it.",
    },
    {
      line: "DATABASE_URL=postgres://user:password@host/jobs deno task serve --workers 0",
      does: "Jobs are stored in PostgreSQL and run by workers on other machines.",
    },
    {
      line: "OTEL_DENO=true deno task serve",
      does: "With OpenTelemetry traces, metrics and logs, configured by OTEL_…",
    },
  ],
});
