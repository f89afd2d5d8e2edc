import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { TRY_AGAIN } from "../../training/errors.ts";
import type { TrainingEvent } from "../../training/events.ts";
import { executable } from "../commands/run_main.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";
import { launchLeased, readRecord } from "./queue/leased_training.ts";

const reason = reasonNotToWrite || (executable ? "" : "needs --allow-run=deno");
const pause = (milliseconds: number) => new Promise<void>((resume) => setTimeout(resume, milliseconds));

/** Starts a long job, and waits until it trains. */
const start = async (run: string, until: number) => {
  await Deno.mkdir(run);
  const running = Promise.withResolvers<void>();
  const events: TrainingEvent[] = [];
  const onEvent = (event: TrainingEvent) => {
    events.push(event);
    if (event.event === "progress") running.resolve();
  };
  const process = launchLeased({ out: run, steps: 100_000, warmup: 5 }, { onEvent, lease: true });
  process.renew(until);
  await Promise.race([running.promise, process.ended]);
  return { process, events };
};

writingTest("a lease that is not renewed ends its process, which writes nothing after it", async (runs) => {
  const run = join(runs, "a");
  const until = Date.now() + 2500;
  const { process } = await start(run, until);
  const { code } = await process.ended;
  assertEquals(code, TRY_AGAIN);
  const record = await readRecord(run);
  assert(record.length > 10 && record.every(({ at }) => at <= until), `${until}: ${JSON.stringify(record.at(-1))}`);
  // A process that starts, or wakes, when its time is over already does not begin.
  const late = launchLeased({ out: run, steps: 100_000 }, { onEvent: () => {}, lease: true });
  late.renew(Date.now() - 1);
  assertEquals((await late.ended).code, TRY_AGAIN);
  assertEquals((await readRecord(run)).length, record.length);
}, reason);

writingTest("a lease that is renewed goes on, and the end of what renews it is a request to stop", async (runs) => {
  const run = join(runs, "a");
  const first = Date.now() + 2500;
  const { process, events } = await start(run, first);
  for (let i = 0; i < 4; i++) {
    process.renew(Date.now() + 2500);
    await pause(800);
  }
  const record = await readRecord(run);
  assert(record.at(-1)!.at > first);
  process.stop();
  assertEquals((await process.ended).code, 0);
  assertEquals(events.at(-1)!.event, "stopped");
}, reason);
