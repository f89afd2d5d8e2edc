import { assertEquals, assertRejects } from "@std/assert";
import { textStream } from "../../../routes/http/event_stream.ts";

const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => await new Response(stream).text();

Deno.test("followStream: texts in their order, comments while there are none, and an end with them", async () => {
  const ends: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const texts = async function* () {
    yield "a";
    yield "b";
    await promise;
    yield "c";
  };
  setTimeout(resolve, 50);
  const text = await read(textStream(texts(), { heartbeat: 5, onEnd: (end) => ends.push(end) }));
  assertEquals([text.replace(/(: still here\n\n)+/, "…"), ends], ["ab…c", ["ended"]]);
});

Deno.test("followStream: nothing is asked for ahead of the reader, and one who goes away is told of at once", async () => {
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

Deno.test("followStream: a reader that takes nothing is cut off, and texts that fail break the body off", async () => {
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
