import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { decodePng } from "../formats/decode_png.ts";
import { LEAST_ROWS } from "../../serving/places.ts";
import { asJson, pendingImages, tinyModel, until, withServer } from "./with_server.ts";

const draw = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  const bytes = await response.bytes();
  assertEquals(response.status, 200, new TextDecoder().decode(bytes));
  assertEquals(response.headers.get("content-type"), "image/png");
  return { headers: response.headers, bytes };
};

/** Status and content-length as they were sent: fetch takes a packed answer's length away. */
const fetchRaw = async (
  url: string,
  { method, headers = {} }: { method: string; headers?: Record<string, string> },
): Promise<{ status: number; length: string | null }> => {
  const { hostname, port, host, pathname, search } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries({ host, connection: "close", ...headers }).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  await connection.write(new TextEncoder().encode(`${method} ${pathname}${search} HTTP/1.1\r\n${lines.join("")}\r\n`));
  const [head] = (await new Response(connection.readable).text()).split("\r\n\r\n");
  return {
    status: Number(head.split(" ")[1]),
    length: /^content-length: *(\d+)\r?$/im.exec(head)?.[1] ?? null,
  };
};

/** Tile `index` of a grid of 8×8 tiles with a border of 2. */
const tileOf = (png: Uint8Array, index: number, columns: number): number[] => {
  const { data, width } = decodePng(png);
  const top = 2 + Math.floor(index / columns) * 10, left = 2 + (index % columns) * 10;
  return Array.from({ length: 8 }, (_, y) => Array.from(data.subarray(((top + y) * width + left) * 3).subarray(0, 24)))
    .flat();
};

Deno.test("GET /generate: answers a PNG of the model's size and says how it was made", () =>
  withServer(async ({ origin }) => {
    const { headers, bytes } = await draw(`${origin}/generate?steps=100`);
    const { height, width, channels } = decodePng(bytes);
    assertEquals([height, width, channels], [8, 8, 3]);
    assertEquals(headers.get("denoise-sampler"), "ddpm");
    assertEquals(headers.get("denoise-steps"), "100");
    assertEquals(headers.get("denoise-engine"), "wasm");
    assertEquals(headers.get("denoise-model"), "tiny-model");
    assertMatch(headers.get("server-timing")!, /^wait;dur=\d+\.\d, sample;dur=\d+\.\d, encode;dur=\d+\.\d$/);

    const again = await draw(`${origin}/generate?steps=100&seed=${headers.get("denoise-seed")}`);
    assertEquals(again.bytes, bytes);
    assertEquals((await draw(origin + headers.get("content-location"))).bytes, bytes);
    const other = await draw(`${origin}/generate?steps=100`);
    assertNotEquals(other.headers.get("denoise-seed"), headers.get("denoise-seed"));
    assertNotEquals(other.bytes, bytes);
  }));

Deno.test("GET /generate: the first image of n = 4 is that of n = 1, whatever runs beside it", () =>
  withServer(async ({ origin }) => {
    const one = decodePng((await draw(`${origin}/generate?seed=7&steps=20`)).bytes);
    const [four, ...same] = await Promise.all([
      draw(`${origin}/generate?seed=7&steps=20&n=4`),
      draw(`${origin}/generate?seed=7&steps=20`),
      draw(`${origin}/generate?seed=8&steps=40&sampler=heun&n=3`),
      draw(`${origin}/generate?seed=9&steps=9&guidance=3&n=5`),
      draw(`${origin}/generate?seed=7&steps=20`),
    ]);
    assertEquals(tileOf(four.bytes, 0, 2), Array.from(one.data));
    assertEquals(decodePng(same[0].bytes), one);
    assertEquals(same[3].bytes, same[0].bytes);
  }));

Deno.test("GET /generate: first = 2 gives the third image alone, of its class, and a link to it", () =>
  withServer(async ({ origin }) => {
    const [four, third, pair] = await Promise.all([
      draw(`${origin}/generate?seed=7&steps=20&n=4`),
      draw(`${origin}/generate?seed=7&steps=20&first=2`),
      draw(`${origin}/generate?seed=7&steps=20&first=2&n=2`),
    ]);
    assertEquals(tileOf(four.bytes, 2, 2), Array.from(decodePng(third.bytes).data));
    assertEquals([0, 1].map((i) => tileOf(pair.bytes, i, 2)), [2, 3].map((i) => tileOf(four.bytes, i, 2)));
    assertEquals((await draw(origin + third.headers.get("content-location"))).bytes, third.bytes);
  }));

Deno.test("POST /generate: the same parameters as JSON give the same bytes", () =>
  withServer(async ({ origin }) => {
    const parameters = { n: 2, seed: 3, sampler: "ddim", steps: 10, eta: 0.5, label: "blue", guidance: 2 };
    const query = new URLSearchParams(Object.entries(parameters).map(([key, value]) => [key, String(value)]));
    const [get, post] = await Promise.all([
      draw(`${origin}/generate?${query}`),
      draw(`${origin}/generate`, asJson(parameters)),
    ]);
    assertEquals(post.bytes, get.bytes);
    assertEquals((await draw(`${origin}/generate`, asJson({ ...parameters, label: 2 }))).bytes, get.bytes);
    assertNotEquals((await draw(`${origin}/generate`, asJson({ ...parameters, label: 1 }))).bytes, get.bytes);
  }));

Deno.test("GET /generate: each sampler, spacing and variance makes an image of its own", () =>
  withServer(async ({ origin }) => {
    const queries = [
      "sampler=ddpm",
      "sampler=ddpm&variance=fixed_large",
      "sampler=ddpm&spacing=trailing",
      "sampler=ddim",
      "sampler=ddim&eta=0.5",
      "sampler=heun",
      "sampler=dpmsolver++",
      "sampler=dpmsolver%2B%2B&spacing=trailing",
    ];
    const images = await Promise.all(queries.map((query) => draw(`${origin}/generate?seed=1&steps=7&${query}`)));
    assertEquals(new Set(images.map(({ bytes }) => bytes.join())).size, queries.length);
    const ancestral = await draw(`${origin}/generate?seed=1&steps=7&sampler=ddim&eta=1`);
    assertEquals(ancestral.bytes, images[0].bytes);
  }));

Deno.test("/generate: a bad parameter is refused with a problem that names it, what came and what may", () =>
  withServer(async ({ origin }) => {
    const cases: [query: string, field: string, received: unknown, allowed: string][] = [
      ["n=0", "n", 0, "≥ 1"],
      ["n=65", "n", 65, "≤ 64"],
      ["n=1.5", "n", 1.5, "an integer"],
      ["n=", "n", "", "a number"],
      ["n=1&n=2", "n", [1, 2], "a number"],
      ["seed=-1", "seed", -1, "≥ 0"],
      ["seed=9007199254740992", "seed", 9007199254740992, "9007199254740991"],
      ["sampler=euler", "sampler", "euler", "one of ddpm, ddim, heun, dpmsolver++"],
      ["steps=0", "steps", 0, "≥ 1"],
      ["steps=101", "steps", 101, "≤ 100"],
      ["steps=many", "steps", "many", "a number"],
      ["spacing=even", "spacing", "even", "one of leading, linspace, trailing"],
      ["eta=2&sampler=ddim", "eta", 2, "≤ 1"],
      ["eta=0.5", "eta", 0.5, "only ddim"],
      ["label=purple", "label", "purple", "one of red, green, blue"],
      ["label=3", "label", "3", "one of red, green, blue"],
      ["guidance=-1", "guidance", -1, "≥ 0"],
      ["guidance=Infinity", "guidance", "Infinity", "a number"],
      ["variance=learned", "variance", "learned", "one of fixed_small, fixed_large"],
      ["variance=fixed_large&sampler=ddim", "variance", "fixed_large", "only ddpm"],
      ["step=5", "step", "5", "no such parameter"],
      ["timeout_s=5", "timeout_s", "5", "no such parameter"],
      ["model=other", "model", "other", "one of tiny-model"],
      ["timeoutSeconds=0", "timeoutSeconds", 0, "≥ 1"],
      ["timeoutSeconds=601", "timeoutSeconds", 601, "≤ 600"],
      ["format=bmp", "format", "bmp", "one of png, apng, gif, json, npy, npz, multipart, event-stream"],
      ["frames=1&format=gif", "frames", 1, "≥ 2"],
      ["n=0x10", "n", "0x10", "a number"],
      ["n=%201", "n", " 1", "a number"],
    ];
    for (const [query, field, received, allowed] of cases) {
      const response = await fetch(`${origin}/generate?${query}`);
      const problem = await response.json();
      assertEquals(response.status, 422, query);
      assertEquals(response.headers.get("content-type"), "application/problem+json", query);
      assertEquals(problem.errors.length, 1, query);
      assertEquals(problem.errors[0].field, field, query);
      assertEquals(problem.errors[0].received, received, query);
      assertStringIncludes(problem.errors[0].allowed, allowed, query);
      assertStringIncludes(problem.detail, field, query);
    }
  }));

Deno.test("POST /generate: bodies that are no JSON, no object, of wrong types or too long are refused", () =>
  withServer(async ({ origin }) => {
    const cases: [body: string, type: string, status: number, says: string][] = [
      ["{", "application/json", 400, "no JSON"],
      ["[1]", "application/json", 422, "body must be an object"],
      ['{"n": "3"}', "application/json", 422, "n must be a number"],
      ['{"n": null}', "application/json", 422, "n must be a number"],
      ['{"a": 1, "b": 2}', "application/json", 422, "b must be absent"],
      ["n=3", "application/x-www-form-urlencoded", 415, "as application/json"],
      [`{"n": ${" ".repeat(70_000)} 3}`, "application/json", 413, "65536 bytes"],
    ];
    for (const [body, type, status, says] of cases) {
      const response = await fetch(`${origin}/generate`, { method: "POST", headers: { "content-type": type }, body });
      const problem = await response.json();
      assertEquals(response.status, status, says);
      assertEquals(problem.status, status);
      assertEquals(response.headers.get("content-type"), "application/problem+json");
      assertStringIncludes(problem.detail, says);
    }
  }));

Deno.test("POST /generate: parameters in the query are refused, not overlooked", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/generate?n=2&format=gif`, asJson({ steps: 1 }));
    assertEquals(response.status, 422);
    const { errors } = await response.json();
    assertEquals(errors.map(({ field }: { field: string }) => field), ["n", "format"]);
    assertStringIncludes(errors[0].allowed, "in the body");
  }));

Deno.test("POST /generate: a body made to choke the server is refused in few words", () =>
  withServer(async ({ origin }) => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]));
    const deep = 5000;
    const cases: [body: string, status: number][] = [
      [JSON.stringify(many), 422],
      [JSON.stringify({ ["k".repeat(50_000)]: 1 }), 422],
      [JSON.stringify({ n: "9".repeat(50_000) }), 422],
      [JSON.stringify({ n: Array(20_000).fill(0) }), 422],
      [`{"n": ${"[".repeat(deep)}${"]".repeat(deep)}}`, 400],
      ['{"__proto__": {"n": 3}}', 422],
    ];
    for (const [body, status] of cases) {
      const response = await fetch(`${origin}/generate`, { ...asJson({}), body });
      const answer = await response.text();
      assertEquals(response.status, status, body.slice(0, 50));
      assert(answer.length < 10_000, `${answer.length} characters`);
    }
  }));

Deno.test("HEAD says the length that GET has, or none where it would draw", () =>
  withServer(async ({ origin }) => {
    const asBrowser = { accept: "text/html", "accept-encoding": "gzip" };
    const cases: [path: string, status: number, headers?: Record<string, string>][] = [
      ["/", 200],
      ["/", 200, asBrowser],
      ["/page/app.js", 200, { "accept-encoding": "br" }],
      ["/docs", 200],
      ["/docs/swagger-ui.css", 200],
      ["/openapi.json", 200],
      ["/models", 200],
      ["/schedules", 200],
      ["/jobs", 200],
      ["/predictions", 200],
      ["/ready", 200],
      ["/nowhere", 404, { "x-request-id": "one" }],
      ["/generate?n=0", 422, { "x-request-id": "two" }],
      ["/inpaint", 405, { "x-request-id": "three" }],
    ];
    for (const [path, status, headers = {}] of cases) {
      const [head, get] = await Promise.all(
        ["HEAD", "GET"].map((method) => fetchRaw(`${origin}${path}`, { method, headers })),
      );
      // A body that says its method is as much longer.
      const more = status === 405 ? "HEAD".length - "GET".length : 0;
      assertEquals([head.status, get.status], [status, status], path);
      assertEquals(Number(head.length), Number(get.length) + more, path);
      assert(Number(get.length) > 0, path);
    }
    for (const path of ["/generate?steps=1", "/generate?format=event-stream", "/forward"]) {
      assertEquals(await fetchRaw(`${origin}${path}`, { method: "HEAD" }), { status: 200, length: null }, path);
    }
    const same = await fetchRaw(`${origin}/page/app.js`, { method: "HEAD", headers: { "if-none-match": "*" } });
    assertEquals(same, { status: 304, length: null });
  }));

Deno.test("HEAD /generate says what GET would, and draws nothing", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/generate?steps=100&n=64&seed=3&format=event-stream`, { method: "HEAD" });
    const { headers } = response;
    assertEquals([response.status, await response.text()], [200, ""]);
    assertEquals([headers.get("content-type"), headers.get("denoise-seed")], ["text/event-stream", "3"]);
    assertEquals(await pendingImages(origin), 0);
  }));

Deno.test("/generate: a client that goes away frees its images, asked for by GET or POST", () =>
  withServer(async ({ origin }) => {
    const requests: [path: string, init: RequestInit][] = [
      ["/generate?n=64&steps=100", {}],
      ["/generate", asJson({ n: 64, steps: 100 })],
    ];
    for (const [path, init] of requests) {
      const client = new AbortController();
      const request = fetch(`${origin}${path}`, { ...init, signal: client.signal }).catch(() => "gone");
      await until(() => pendingImages(origin), (images) => images === 64);
      client.abort();
      assertEquals(await request, "gone");
      await until(() => pendingImages(origin), (images) => images === 0);
    }
    await draw(`${origin}/generate?steps=1`);
  }));

Deno.test("/generate: a full queue is 429 with Retry-After, in every way of asking, and room comes back", () =>
  withServer(async ({ origin }) => {
    const client = new AbortController();
    const long = fetch(`${origin}/generate?n=64&steps=100&sampler=heun`, { signal: client.signal }).catch(() => "gone");
    await until(() => pendingImages(origin), (images) => images === 64);
    const ways: RequestInit[] = [{}, { headers: { accept: "text/event-stream" } }, {
      headers: { prefer: "respond-async" },
    }];
    for (const init of ways) {
      const response = await fetch(`${origin}/generate?n=64`, init);
      assertEquals(response.status, 429);
      assert(Number(response.headers.get("retry-after")) > 0);
      assertStringIncludes((await response.json()).detail, "too much is asked for");
    }
    assertEquals(await (await fetch(`${origin}/predictions`)).json(), []);
    client.abort();
    await long;
    await until(() => pendingImages(origin), (images) => images === 0);
    await draw(`${origin}/generate?n=64&steps=1`);
  }, { queue: 128 * LEAST_ROWS }));

Deno.test("/generate: a request that takes longer than timeoutSeconds is 504, and its images are given up", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/generate?n=64&steps=100&sampler=heun&guidance=3&timeoutSeconds=1`);
    assertEquals([response.status, (await response.json()).title], [504, "Gateway Timeout"]);
    await until(() => pendingImages(origin), (images) => images === 0);
  }));

Deno.test("/generate: the limits of the server hold, and stand in its description", () =>
  withServer(async ({ origin }) => {
    for (
      const [query, field, allowed] of [["n=3", "n", "≤ 2"], ["steps=11", "steps", "≤ 10"], [
        "timeoutSeconds=6",
        "timeoutSeconds",
        "≤ 5",
      ]]
    ) {
      const response = await fetch(`${origin}/generate?${query}`);
      const { errors } = await response.json();
      assertEquals([response.status, errors[0].field, errors[0].allowed], [422, field, allowed]);
    }
    const { paths } = await (await fetch(`${origin}/openapi.json`)).json();
    const maxima = paths["/generate"].get.parameters.map((
      { name, schema }: { name: string; schema: { maximum?: number } },
    ) => [
      name,
      schema.maximum,
    ]);
    const { n, steps, timeoutSeconds } = Object.fromEntries(maxima);
    assertEquals({ n, steps, timeoutSeconds }, { n: 2, steps: 10, timeoutSeconds: 5 });
  }, { limits: { images: 2, steps: 10, seconds: 5 } }));

Deno.test("/generate: of several models a request picks one by its name", () =>
  withServer(async ({ origin, models }) => {
    const [first, second] = models.map(({ name }) => name);
    assertEquals([first, models.length], ["tiny-model", 2]);
    const [a, b, c] = await Promise.all(
      ["", `&model=${first}`, `&model=${encodeURIComponent(second)}`].map((query) =>
        draw(`${origin}/generate?seed=1&steps=5${query}`)
      ),
    );
    assertEquals([a.headers.get("denoise-model"), a.bytes], [first, b.bytes]);
    assertEquals([c.headers.get("denoise-model"), c.bytes], [encodeURIComponent(second), a.bytes]);
  }, { models: [tinyModel, tinyModel] }));

Deno.test("/generate: a server that stops gives up what is under way with 503", async () => {
  let answer: Promise<Response> | undefined;
  await withServer(async ({ origin }) => {
    answer = fetch(`${origin}/generate?n=64&steps=100`);
    await until(() => pendingImages(origin), (images) => images === 64);
  });
  const response = await answer!;
  assertEquals(response.status, 503);
  assertStringIncludes((await response.json()).detail, "stopping");
});
