import { assert, assertEquals } from "@std/assert";
import { decodePng } from "../formats/decode_png.ts";
import { allEvents, readEvents } from "./read_events.ts";
import { asJson, pendingImages, until, withServer } from "./with_server.ts";

const pngOf = (url: string) => {
  const [type, base64] = url.split(",");
  assertEquals(type, "data:image/png;base64");
  return decodePng(Uint8Array.fromBase64(base64));
};

Deno.test("/generate as an event stream: queued, started, steps with pictures, done with the images", () =>
  withServer(async ({ origin }) => {
    const query = "n=4&steps=20&seed=3&sampler=ddim";
    const response = await fetch(`${origin}/generate?${query}&format=event-stream&frames=5`);
    assertEquals([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
    assertEquals(response.headers.get("denoise-seed"), "3");
    const [buffering, caching] = ["x-accel-buffering", "cache-control"].map((name) => response.headers.get(name));
    assertEquals([buffering, caching], ["no", "no-store"]);
    const events = await allEvents(response);

    const types = events.map(({ type }) => type);
    assertEquals([types[0], types[1], types.at(-1)], ["queued", "started", "done"]);
    assert(types.slice(2, -1).every((type) => type === "step"));
    assert(events.every(({ id }, i) => i === 0 || id > events[i - 1].id));

    const steps = events.filter(({ type }) => type === "step").map(({ data }) => data);
    assert(steps.every(({ total, steps }) => total === 80 && steps === 20));
    assert(steps.every(({ done }, i) => i === 0 || done > steps[i - 1].done));
    const previews = steps.flatMap(({ preview }) => preview ?? []);
    assertEquals([previews.length, previews[0].step, previews.at(-1).step], [5, 1, 20]);
    for (const { x, x0 } of previews) {
      for (const { height, width, channels } of [pngOf(x), pngOf(x0)]) {
        assertEquals([height, width, channels], [22, 22, 3]);
      }
    }

    const png = decodePng(await (await fetch(`${origin}/generate?${query}`)).bytes());
    assertEquals(pngOf(previews.at(-1).x), png);
    const done = events.at(-1)!.data;
    assertEquals([done.task, done.parameters.seed, done.images.length], ["generate", 3, 4]);
    assertEquals(done.images.map(({ label }: { label: string }) => label), ["red", "green", "blue", "red"]);
    const one = decodePng(await (await fetch(`${origin}/generate?${query.replace("n=4", "n=1")}`)).bytes());
    assertEquals(pngOf(done.images[0].image), one);
  }));

Deno.test("/generate as an event stream: a failure after its beginning is an event with the problem", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(
      `${origin}/generate`,
      asJson({ n: 64, steps: 100, sampler: "heun", guidance: 3, timeoutSeconds: 1 }, {
        headers: { accept: "text/event-stream" },
      }),
    );
    assertEquals(response.status, 200);
    const { type, data } = (await allEvents(response)).at(-1)!;
    assertEquals([type, data.status, data.requestId], ["error", 504, response.headers.get("x-request-id")]);
  }));

Deno.test("/generate as an event stream: a client that goes away frees its images", () =>
  withServer(async ({ origin }) => {
    for (let i = 0; i < 5; i++) {
      const client = new AbortController();
      const response = await fetch(`${origin}/generate?n=16&steps=100&format=event-stream`, { signal: client.signal });
      const events = readEvents(response.body!);
      while ((await events.next()).value!.type !== "step");
      client.abort();
      await events.next().catch(() => {});
    }
    await until(() => pendingImages(origin), (images) => images === 0);
  }));

Deno.test("/generate as an event stream: one that nobody reads does not hold up the others, nor the server's end", async () => {
  await withServer(async ({ origin }) => {
    const address = new URL(origin);
    using idle = await Deno.connect({ hostname: address.hostname, port: Number(address.port) });
    const lines = ["GET /generate?n=64&steps=100&format=event-stream HTTP/1.1", `Host: ${address.host}`, "", ""];
    await idle.write(new TextEncoder().encode(lines.join("\r\n")));
    await until(() => pendingImages(origin), (images) => images === 64);
    const events = await allEvents(await fetch(`${origin}/generate?steps=2&format=event-stream`));
    assertEquals(events.at(-1)!.type, "done");
  });
});
