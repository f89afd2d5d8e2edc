import { assertEquals } from "@std/assert";
import { createEventLog } from "../../../routes/http/event_stream.ts";

Deno.test("createEventLog keeps events in order, and of passing ones the last alone", () => {
  const log = createEventLog();
  log.append("queued", { position: 0 });
  for (let done = 1; done <= 5; done++) log.append("step", { done }, { passing: true });
  assertEquals(log.after(0).map(({ id, type, data }) => [id, type, data]), [
    [1, "queued", '{"position":0}'],
    [6, "step", '{"done":5}'],
  ]);
  log.append("step", { done: 6, preview: 1 });
  log.append("step", { done: 7 }, { passing: true });
  log.append("done", {});
  assertEquals(log.after(1).map(({ id, type }) => [id, type]), [[7, "step"], [9, "done"]]);
  assertEquals(log.size, '{"position":0}{"done":6,"preview":1}{}'.length);
  assertEquals([log.after(9), log.lastId], [[], 9]);
});

Deno.test("createEventLog tells its readers of changes, and takes nothing after the end", async () => {
  const log = createEventLog();
  let changes = 0;
  const stop = log.subscribe(() => changes++);
  log.subscribe(() => changes++);
  log.append("a", 1);
  stop();
  log.append("b", 2);
  log.end();
  log.append("c", 3);
  await log.over;
  assertEquals([changes, log.ended, log.after(0).length], [4, true, 2]);
});
