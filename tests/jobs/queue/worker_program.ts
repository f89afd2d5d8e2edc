/**
 * A worker whose jobs run another program than main.ts, by default the stand-in that keeps its lease: takes jobs of the
 * database `url`, or of a folder in `runs` if that is empty, into `runs` until SIGTERM. A line `kill` on its standard input kills one of its processes, whichever
 * started last.
 */
import { join, resolve, toFileUrl } from "@std/path";
import { linesOf } from "../../../jobs/child.ts";
import { launchTraining, type TrainingProcess } from "../../../jobs/launch.ts";
import { createQueue } from "../../../jobs/queue/queue.ts";
import { launchLeased } from "./leased_training.ts";

const [url, runs, concurrency, program] = Deno.args;
const launch: typeof launchTraining = program
  ? (options, settings) => launchTraining(options, { ...settings, main: toFileUrl(resolve(program)) })
  : launchLeased;
const processes = new Set<TrainingProcess>();
const queue = createQueue({
  url: url || undefined,
  folder: join(runs, ".queue"),
  runs,
  workers: Number(concurrency),
  warn: (message) => console.log(message),
  launch: (options, settings) => {
    const process = launch(options, settings);
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
