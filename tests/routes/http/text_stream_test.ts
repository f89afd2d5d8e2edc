import { assertEquals, assertRejects } from "@std/assert";
import { textStream } from "../../../routes/http/event_stream.ts";

const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => await new Response(stream).text();

Deno.test("textStream: texts in their order, comments while there are none, and an end with them", async () => {
  const ends: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const texts = async function* () {
    yield "a";
    yield "b";
    await promise;
    yield "c";
  };
  const untilComment = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      controller.enqueue(chunk);
      if (chunk[0] === ":".charCodeAt(0)) resolve();
    },
  });
  const stream = textStream(texts(), { heartbeat: 5, onEnd: (end) => ends.push(end) });
  const text = await read(stream.pipeThrough(untilComment));
  assertEquals([text.replace(/(: still here\n\n)+/, "…"), ends], ["ab…c", ["ended"]]);
});

Deno.test("textStream: nothing is asked for ahead of the reader, and one who goes away is told of at once", async () => {
  let asked = 0;
  const texts = async function* () {
    while (true) yield await Promise.resolve(`${++asked}`);
  };
  const ends: string[] = [];
  const reader = textStream(texts(), { onEnd: (end) => ends.push(end) }).getReader();
  await reader.read();
  await reader.read();
  await new Promise((resume) => setTimeout(resume, 5));
  assertEquals(asked, 2);
  await reader.cancel();
  assertEquals(ends, ["gone"]);
});

Deno.test("textStream: a reader that takes nothing is cut off, and texts that fail break the body off", async () => {
  const ends: string[] = [];
  const onEnd = (end: string) => ends.push(end);
  const one = async function* () {
    yield await Promise.resolve("a");
    await new Promise(() => {});
  };
  const reader = textStream(one(), { stall: 5, onEnd }).getReader();
  await reader.read();
  await new Promise((resume) => setTimeout(resume, 30));
  await assertRejects(() => reader.read(), Error, "takes nothing");
  const failing = async function* () {
    yield await Promise.resolve("a");
    throw new Error("no more");
  };
  await assertRejects(() => read(textStream(failing(), { heartbeat: null, onEnd })), Error, "no more");
  assertEquals(ends, ["gone", "gone"]);
});
