import { z } from "zod";
import { engineOptions } from "../engine/options.ts";
import { defineCommand } from "./cli/command.ts";
import { jobOptions } from "./cli/job_options.ts";
import { storageOption } from "./cli/job_storage.ts";

/** The options of `worker`. */
export const workerOptions = z.strictObject({
  concurrency: z.int().min(1).max(64).default(1)
    .describe("Jobs to run at a time"),
  runs: z.string().min(1).default("runs")
    .describe("Folder of the runs; shared by all machines unless --storage is given"),
  ...jobOptions,
  storage: storageOption,
  engine: engineOptions.engine,
  tensorflow: engineOptions.tensorflow,
});

/** The `worker` command: takes training jobs from a database, until Ctrl-C. */
export const workerCommand = defineCommand({
  options: workerOptions,
  short: { concurrency: "c" },
  examples: [
    {
      line: "DATABASE_URL=postgres://user:password@host/jobs deno task worker",
      does: "Runs the jobs that a server with the same DATABASE_URL is asked for.",
    },
    {
      line: "DATABASE_URL=… deno task worker --storage s3://bucket/runs -c 2",
      does: "Two at a time, on a machine that shares no folder with the others.",
    },
  ],
});
