import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TrainingEvent } from "../../jobs/events.ts";
import { launchTraining, toArguments } from "../../jobs/launch.ts";

const main = new URL("../fixtures/fake_trainer.ts", import.meta.url);

Deno.test("toArguments: camelCase options become flags whose values stay behind the =", () => {
  assertEquals(
    toArguments({ batchSize: 8, lr: 1e-4, ema: false, flip: true, schedule: "--resume", resume: null, levels: [1, 2] }),
    ["--batch-size=8", "--lr=0.0001", "--no-ema", "--flip", "--schedule=--resume", "--levels=1,2"],
  );
});

Deno.test("launchTraining: events arrive in order, though a line comes in pieces and others are none", async () => {
  const events: TrainingEvent[] = [];
  const { code } = await launchTraining({ out: "runs/a" }, { onEvent: (event) => events.push(event), main }).ended;
  assertEquals(code, 0);
  assertEquals(events, [
    { event: "start", run: "runs/x", steps: 3 },
    { event: "progress", step: 2, steps: 3, loss: 0.25, imagesPerSecond: 10, secondsLeft: 1 },
    { event: "checkpoint", step: 3, folder: "runs/a" },
    { event: "done", step: 3, folder: "runs/x" },
  ]);
});

Deno.test("launchTraining: a crash ends with its code and what it wrote to stderr", async () => {
  const { code, stderr } = await launchTraining({ crash: true }, { onEvent: () => {}, main }).ended;
  assertEquals(code, 1);
  assertStringIncludes(stderr, "out of memory");
});

Deno.test("launchTraining: stop lets it tidy up, kill does not, and both after the end do no harm", async () => {
  const events: string[] = [];
  const start = () => {
    const running = Promise.withResolvers<void>();
    const onEvent = ({ event }: TrainingEvent) => {
      events.push(event);
      if (event === "progress") running.resolve();
    };
    const process = launchTraining({ wait: true }, { onEvent, main });
    return { process, running: running.promise };
  };
  const first = start();
  await first.running;
  first.process.stop();
  assertEquals((await first.process.ended).code, 0);
  assertEquals(events.at(-1), "stopped");
  first.process.stop();

  const second = start();
  await second.running;
  second.process.kill();
  assertEquals((await second.process.ended).code, 137);
  assertEquals(events.at(-1), "progress");
  second.process.kill();
});
