import { assertEquals, assertRejects } from "@std/assert";
import { CodecTimeoutError, createCodec } from "../../../routes/codec/codec.ts";
import { decodePng } from "../../formats/decode_png.ts";

const pixel = { height: 1, width: 1, channels: 1 };
const shape = { height: 64, width: 64, channels: 3 };

Deno.test("createCodec runs codecs in a Worker, in order, and passes on what they throw", async () => {
  const codec = createCodec();
  try {
    const values = new Float32Array(64 * 64 * 3).fill(1);
    const [one, wrong, archive] = await Promise.allSettled([
      codec.run("encodePicture", values, shape),
      codec.run("encodePicture", new Uint8Array(5), shape),
      codec.run("encodeArchive", values, shape, [3]),
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
  const codec = createCodec({ seconds: 1 });
  try {
    const large = new Uint8Array(8000 * 8000 * 3);
    crypto.getRandomValues(large.subarray(0, 65536));
    const long = codec.run("encodePicture", large, { height: 8000, width: 8000, channels: 3 });
    const next = codec.run("encodePicture", new Uint8Array([7]), pixel);
    await assertRejects(() => long, CodecTimeoutError, "more than 1 s");
    assertEquals([...decodePng(await next).data], [7]);
  } finally {
    codec.close();
  }
});

Deno.test("createCodec, closed, fails what is under way, what waits, and what comes", async () => {
  const codec = createCodec();
  const calls = Array.from({ length: 3 }, () => codec.run("encodePicture", new Uint8Array([7]), pixel));
  const failures = Promise.all(calls.map((call) => assertRejects(() => call, Error, "closed")));
  codec.close();
  await failures;
  await assertRejects(() => codec.run("encodePicture", new Uint8Array([7]), pixel), Error, "closed");
});
