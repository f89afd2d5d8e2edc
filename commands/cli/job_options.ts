import { z } from "zod";
import { GRACE } from "../../jobs/child.ts";

/** How jobs are bounded and ended, for the commands that start them. */
export const jobOptions = {
  jobMemory: z.number().gt(0).max(1_000_000).optional()
    .describe(
      "Gigabytes of memory that a job may take by estimate; one that takes more is refused. Default: the machine's, " +
        "divided by the jobs at a time",
    ),
  jobDisk: z.number().gt(0).max(1_000_000).optional()
    .describe("Gigabytes of disk that a job may take, its data included. Default: what is free"),
  stopTimeout: z.number().gt(0).max(86_400).default(GRACE / 1000)
    .describe("Seconds that jobs may take over a checkpoint when they, or this, are to stop; then they are killed"),
};
