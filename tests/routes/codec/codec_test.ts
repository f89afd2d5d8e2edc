import { assertEquals, assertRejects } from "@std/assert";
import { CodecTimeoutError, createCodec } from "../../../routes/codec/codec.ts";
import { decodePng } from "../../formats/decode_png.ts";

const pixel = { height: 1, width: 1, channels: 1 };
const shape = { height: 64, width: 64, channels: 3 };
const asking = (client = "someone", signal = new AbortController().signal) => ({ client, signal });

/** A picture that takes long to encode. */
const large = () => {
  const values = new Uint8Array(8000 * 8000 * 3);
  crypto.getRandomValues(values.subarray(0, 65536));
  return [values, { height: 8000, width: 8000, channels: 3 }] as const;
};

Deno.test("createCodec runs codecs in a Worker, in order, and passes on what they throw", async () => {
  const codec = createCodec();
  try {
    const values = new Float32Array(64 * 64 * 3).fill(1);
    const [one, wrong, archive] = await Promise.allSettled([
      codec.for(asking()).run("encodePicture", values, shape),
      codec.for(asking()).run("encodePicture", new Uint8Array(5), shape),
      codec.for(asking()).run("encodeArchive", values, shape, [3]),
    ]);
    if (one.status !== "fulfilled" || wrong.status !== "rejected" || archive.status !== "fulfilled") {
      throw new Error(JSON.stringify([one, wrong, archive]));
    }
    const { data, ...extent } = decodePng(one.value);
    assertEquals([extent, data.every((byte) => byte === 255)], [shape, true]);
    assertEquals([wrong.reason.name, wrong.reason.message.slice(0, 14)], ["RangeError", "data must hold"]);
  } finally {
    codec.close();
  }
});

Deno.test("createCodec gives up a call that takes too long, and does the next one in a new Worker", async () => {
  const codec = createCodec({ seconds: 2 });
  try {
    const long = codec.for(asking()).run("encodePicture", ...large());
    const next = codec.for(asking()).run("encodePicture", new Uint8Array([7]), pixel);
    await assertRejects(() => long, CodecTimeoutError, "more than 2 s");
    assertEquals([...decodePng(await next).data], [7]);
  } finally {
    codec.close();
  }
});

Deno.test("createCodec, closed, fails what is under way, what waits, and what comes", async () => {
  const codec = createCodec();
  const calls = Array.from({ length: 3 }, () => codec.for(asking()).run("encodePicture", new Uint8Array([7]), pixel));
  const failures = Promise.all(calls.map((call) => assertRejects(() => call, Error, "closed")));
  codec.close();
  await failures;
  await assertRejects(() => codec.for(asking()).run("encodePicture", new Uint8Array([7]), pixel), Error, "closed");
});

Deno.test("createCodec: who has had less of its time is before who has had more, and each client's calls stay in order", async () => {
  const codec = createCodec();
  try {
    const done: string[] = [];
    const ask = async (client: string, name: string) => {
      await codec.for(asking(client)).run("encodePicture", new Uint8Array(64 * 64 * 3), shape);
      done.push(name);
    };
    const calls = ["a1", "a2", "a3", "a4"].map((name) => ask("a", name));
    calls.push(ask("b", "b1"), ask("c", "c1"));
    await Promise.all(calls);
    assertEquals(done, ["a1", "b1", "c1", "a2", "a3", "a4"]);
  } finally {
    codec.close();
  }
});

Deno.test("createCodec drops what is wanted no more: what waits at once, what is being done with its Worker", async () => {
  const { Worker } = globalThis;
  let workers = 0;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers++;
    }
  };
  const codec = createCodec({ wanting: 0 });
  try {
    const client = new AbortController();
    const gone = new Error("the client went away");
    const mine = codec.for(asking("a", client.signal));
    const calls = [mine.run("encodePicture", ...large()), mine.run("encodePicture", new Uint8Array([7]), pixel)];
    const next = codec.for(asking("a")).run("encodePicture", new Uint8Array([8]), pixel);
    const dropped = Promise.all(calls.map((call) => assertRejects(() => call, Error, gone.message)));
    client.abort(gone);
    await dropped;
    assertEquals([...decodePng(await next).data], [8]);
    assertEquals(workers, 2);
    await assertRejects(() => mine.run("encodePicture", new Uint8Array([7]), pixel), Error, gone.message);
    assertEquals([...decodePng(await codec.for(asking()).run("encodePicture", new Uint8Array([9]), pixel)).data], [9]);
    assertEquals(workers, 2);
  } finally {
    codec.close();
    globalThis.Worker = Worker;
  }
});
