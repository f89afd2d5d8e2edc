/**
 * A worker whose jobs are stand-ins: takes jobs of the database `url` into `runs` until SIGTERM. A line `kill` on its
 * standard input kills one of its processes, whichever started last.
 */
import { linesOf } from "../../../jobs/lines.ts";
import type { TrainingProcess } from "../../../jobs/launch.ts";
import { createQueue } from "../../../jobs/queue/queue.ts";
import { launchLeased } from "./leased_training.ts";

const [url, runs, concurrency] = Deno.args;
const processes = new Set<TrainingProcess>();
const queue = createQueue({
  url,
  runs,
  workers: Number(concurrency),
  warn: (message) => console.log(message),
  launch: (options, settings) => {
    const process = launchLeased(options, settings);
    processes.add(process);
    process.ended.then(() => processes.delete(process));
    return process;
  },
});
queue.start();
Deno.addSignalListener("SIGTERM", async () => {
  await queue.close();
  Deno.exit(0);
});
for await (const line of linesOf(Deno.stdin.readable)) if (line === "kill") [...processes].at(-1)?.kill();
