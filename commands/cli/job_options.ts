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
    .describe("Gigabytes of disk a job may use, its data included. Default: the free space"),
  stopTimeout: z.number().gt(0).max(86_400).default(GRACE / 1000)
    .describe("Seconds a job may take to write its checkpoint when it or this process has to stop; then it is killed"),
};
