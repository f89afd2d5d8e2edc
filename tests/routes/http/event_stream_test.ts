import { assertEquals, assertRejects } from "@std/assert";
import { createEventLog, type EventLog, eventStream, type StreamEnd } from "../../../routes/http/event_stream.ts";
import { readEvents } from "../read_events.ts";

const idsOf = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) =>
  (await Array.fromAsync(readEvents(stream))).map(({ id }) => id);

/** A log that counts those who wait for it. */
const watched = (): EventLog & { readers: number } => {
  const log = createEventLog();
  const own = Object.create(log, { readers: { value: 0, writable: true } });
  own.subscribe = (onChange: () => void) => {
    own.readers++;
    const stop = log.subscribe(onChange);
    return () => {
      own.readers--;
      stop();
    };
  };
  return own;
};

Deno.test("eventStream sends what was, then what comes, and ends with the log", async () => {
  const log = createEventLog();
  const ends: StreamEnd[] = [];
  log.append("a", {});
  log.append("b", {});
  const events = readEvents(eventStream(log, { onEnd: (end) => ends.push(end) }));
  assertEquals((await events.next()).value!.type, "a");
  assertEquals((await events.next()).value!.type, "b");
  const next = events.next();
  log.append("c", { text: "one\nline" });
  assertEquals((await next).value, { id: 3, type: "c", data: { text: "one\nline" } });
  log.end();
  assertEquals([(await events.next()).done, ends], [true, ["ended"]]);
});

Deno.test("eventStream goes on after the last event that the reader has", async () => {
  const log = createEventLog();
  for (let i = 0; i < 5; i++) log.append("a", {});
  log.end();
  assertEquals(await idsOf(eventStream(log)), [1, 2, 3, 4, 5]);
  assertEquals(await idsOf(eventStream(log, { after: 3 })), [4, 5]);
  assertEquals(await idsOf(eventStream(log, { after: 99 })), []);
});

Deno.test("eventStream holds nothing for a reader that is slow: passing events pass it by", async () => {
  const log = createEventLog();
  const reader = eventStream(log).getReader();
  for (let i = 0; i < 1000; i++) log.append("step", { i }, { passing: true });
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), 'id: 1000\nevent: step\ndata: {"i":999}\n\n');
  await reader.cancel();
});

Deno.test("eventStream lets go of the log when its reader goes, while it waits", async () => {
  const log = watched();
  const ends: StreamEnd[] = [];
  const readers = Array.from({ length: 100 }, () => eventStream(log, { onEnd: (end) => ends.push(end) }).getReader());
  const reads = readers.map((reader) => reader.read());
  await Promise.resolve();
  assertEquals(log.readers, 100);
  await Promise.all(readers.map((reader) => reader.cancel()));
  await Promise.all(reads);
  assertEquals([log.readers, ends], [0, Array(100).fill("gone")]);
});

Deno.test("eventStream cuts off a reader that takes nothing", async () => {
  const log = watched();
  const end = Promise.withResolvers<StreamEnd>();
  log.append("a", {});
  const reader = eventStream(log, { stall: 10, onEnd: end.resolve }).getReader();
  await reader.read();
  assertEquals([await end.promise, log.readers], ["gone", 0]);
  await assertRejects(() => reader.read(), Error, "takes nothing");
});

Deno.test("eventStream breaks a silence with a comment", async () => {
  const log = createEventLog();
  const reader = eventStream(log, { heartbeat: 5 }).getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), ": still here\n\n");
  await reader.cancel();
});
