import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodePng } from "../formats/decode_png.ts";
import { allEvents, readEvents } from "./read_events.ts";
import { asJson, bytesOf, pendingImages, until, withServer } from "./with_server.ts";

const later = { headers: { prefer: "respond-async" } };

const json = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
};

const ended = (origin: string, id: string) =>
  until(async () => (await json(`${origin}/predictions/${id}`)).body, ({ endedAt }) => endedAt !== null);

Deno.test("Prefer: respond-async is answered with 202 at once, and the prediction has the images later", () =>
  withServer(async ({ origin }) => {
    const query = "n=2&steps=30&seed=5";
    const { status, headers, body } = await json(`${origin}/generate?${query}`, later);
    assertEquals([status, headers.get("preference-applied")], [202, "respond-async"]);
    assertEquals([headers.get("location"), body.urls.self], [`/predictions/${body.id}`, `/predictions/${body.id}`]);
    assertMatch(body.state, /^(queued|running)$/);
    assertEquals(body.parameters, { n: 2, seed: 5, sampler: "ddpm", steps: 30, guidance: 1 });
    const early = await json(`${origin}${body.urls.result}`);
    assertEquals([early.status, early.body.title], [409, "Conflict"]);

    const done = await ended(origin, body.id);
    assertEquals([done.state, done.progress, done.error], ["succeeded", { done: 60, total: 60 }, null]);
    const times = [done.createdAt, done.startedAt, done.endedAt].map(Date.parse);
    assertEquals(times, times.toSorted((a, b) => a - b));
    assertEquals(Date.parse(done.expiresAt) - Date.parse(done.endedAt), 3_600_000);

    const direct = await bytesOf(await fetch(`${origin}/generate?${query}`), "image/png");
    const result = await fetch(`${origin}${done.urls.result}`);
    assertEquals(result.headers.get("denoise-seed"), "5");
    assertEquals(await bytesOf(result, "image/png"), direct);
    const asArray = await bytesOf(
      await fetch(`${origin}${done.urls.result}`, { headers: { accept: "application/x-npz" } }),
      "application/x-npz",
    );
    assertEquals(asArray, await bytesOf(await fetch(`${origin}/generate?${query}&format=npz`), "application/x-npz"));
    const film = await json(`${origin}${done.urls.result}?format=gif`);
    assertEquals(film.status, 406);
    assertStringIncludes(film.body.detail, "frames");
  }));

Deno.test("PUT /predictions/{id} makes one once: again it is the same, and another request is 409", () =>
  withServer(async ({ origin }) => {
    const url = `${origin}/predictions/my-digits_1`;
    const put = (body: unknown) => json(url, asJson(body, { method: "PUT" }));
    const request = { task: "generate", input: { n: 2, steps: 3 } };
    const both = await Promise.all([put(request), put({ input: { steps: 3, n: 2 }, task: "generate" })]);
    assertEquals(both.map(({ status }) => status).sort(), [200, 201]);
    assertEquals(both[0].body.parameters, both[1].body.parameters);
    const done = await ended(origin, "my-digits_1");
    const again = await put(request);
    assertEquals([again.status, again.body], [200, done]);
    assertEquals((await put({ ...request, input: { n: 3, steps: 3 } })).status, 409);
    assertEquals((await json(`${origin}/predictions`)).body, [done]);
  }));

Deno.test("PUT /predictions/{id}: what is no request is refused, and makes none", () =>
  withServer(async ({ origin }) => {
    const cases: [path: string, body: unknown, status: number, says: string][] = [
      [
        "x",
        { task: "draw", input: {} },
        422,
        'task must be one of generate, img2img, inpaint, interpolate, reconstruct, forward, received "draw"',
      ],
      ["x", { input: {} }, 422, "task must be one of generate, img2img"],
      ["x", { task: 7, input: {} }, 422, "reconstruct, forward, received 7"],
      ["x", { task: "generate" }, 422, "input must be"],
      ["x", { task: "generate", input: { n: 0 } }, 422, "input.n must be ≥ 1"],
      ["x", { task: "generate", input: { eta: 0.5 } }, 422, "input.eta must be absent"],
      ["x", { task: "generate", input: {}, more: 1 }, 422, "more must be absent"],
      ["x", [1], 422, "body must be an object"],
      ["x.y", { task: "generate", input: {} }, 422, "id must be"],
      ["x".repeat(65), { task: "generate", input: {} }, 422, "id must be"],
    ];
    for (const [path, body, status, says] of cases) {
      const answer = await json(`${origin}/predictions/${path}`, asJson(body, { method: "PUT" }));
      assertEquals(answer.status, status, says);
      assertStringIncludes(answer.body.detail, says);
    }
    assertEquals((await json(`${origin}/predictions`)).body, []);
  }));

Deno.test("POST /predictions/{id}/cancel frees its images and leaves it to be seen; DELETE removes it then", () =>
  withServer(async ({ origin }) => {
    const { body } = await json(`${origin}/generate?n=64&steps=100`, later);
    await until(() => pendingImages(origin), (images) => images === 64);
    const canceled = await json(`${origin}${body.urls.cancel}`, { method: "POST" });
    assertEquals([canceled.status, canceled.body.state], [200, "canceled"]);
    await until(() => pendingImages(origin), (images) => images === 0);
    assertEquals((await json(`${origin}${body.urls.result}`)).status, 409);
    assertEquals((await json(`${origin}${body.urls.cancel}`, { method: "POST" })).body, canceled.body);

    const other = (await json(`${origin}/generate?n=64&steps=100`, later)).body;
    await until(() => pendingImages(origin), (images) => images === 64);
    const early = await json(`${origin}${other.urls.self}`, { method: "DELETE" });
    assertEquals([early.status, early.body.title], [409, "Conflict"]);
    assertStringIncludes(early.body.detail, `POST ${other.urls.cancel} first`);
    assertEquals((await json(`${origin}${other.urls.self}`)).body.endedAt, null);
    assertEquals((await json(`${origin}${other.urls.cancel}`, { method: "POST" })).body.state, "canceled");
    for (const { urls } of [body, other]) {
      assertEquals((await json(`${origin}${urls.self}`, { method: "DELETE" })).status, 204);
      for (const method of ["GET", "DELETE"]) {
        assertEquals((await json(`${origin}${urls.self}`, { method })).status, 404);
      }
    }
    await until(() => pendingImages(origin), (images) => images === 0);
    assertEquals((await json(`${origin}/predictions`)).body, []);
  }));

Deno.test("GET /predictions: a page at a time, in order of arrival", () =>
  withServer(async ({ origin }) => {
    for (const id of ["a", "c", "b"]) {
      await json(
        `${origin}/predictions/${id}`,
        asJson({ task: "generate", input: { steps: 1 } }, { method: "PUT" }),
      );
      await ended(origin, id);
    }
    const ids = async (query: string) => {
      const { headers, body } = await json(`${origin}/predictions${query}`);
      return [body.map(({ id }: { id: string }) => id), headers.get("link")];
    };
    assertEquals(await ids(""), [["a", "c", "b"], null]);
    assertEquals(await ids("?limit=2"), [["a", "c"], '</predictions?limit=2&after=c>; rel="next"']);
    assertEquals(await ids("?limit=2&after=c"), [["b"], null]);
    assertEquals(await ids("?after=b&limit=1"), [[], null]);
    for (const [query, field] of [["after=x", "after"], ["limit=0", "limit"], ["limit=1001", "limit"], ["n=1", "n"]]) {
      const { status, body } = await json(`${origin}/predictions?${query}`);
      assertEquals([status, body.errors[0].field], [422, field], query);
    }
  }));

Deno.test("GET /predictions/{id}/events tells it all again, or what came after Last-Event-ID", () =>
  withServer(async ({ origin }) => {
    const { body } = await json(`${origin}/generate?steps=40&frames=4`, later);
    const url = `${origin}${body.urls.events}`;
    const response = await fetch(url);
    assertEquals(response.headers.get("x-accel-buffering"), "no");
    const events = await allEvents(response);
    const types = events.map(({ type }) => type);
    assertEquals([types[0], types[1], types.at(-1)], ["queued", "started", "done"]);
    assertEquals(events.filter(({ data }) => data.preview).length, 4);
    assertEquals(events.at(-1)!.data.state, "succeeded");

    const again = await allEvents(await fetch(url));
    assert(again.length >= 7 && again.length <= events.length);
    const after = await allEvents(await fetch(url, { headers: { "last-event-id": String(again[3].id) } }));
    assertEquals(after, again.slice(4));
    for (const id of ["", "-1", "x", "1.5"]) {
      assertEquals(await allEvents(await fetch(url, { headers: { "last-event-id": id } })), again, id);
    }
    assertEquals(await allEvents(await fetch(url, { headers: { "last-event-id": "999999" } })), []);
  }));

Deno.test("GET /predictions/{id}/events: a reader that goes away leaves the prediction under way", () =>
  withServer(async ({ origin }) => {
    const { body } = await json(`${origin}/generate?n=4&steps=60`, later);
    const client = new AbortController();
    const events = readEvents((await fetch(`${origin}${body.urls.events}`, { signal: client.signal })).body!);
    assertEquals((await events.next()).value!.type, "queued");
    client.abort();
    await events.next().catch(() => {});
    assertEquals((await ended(origin, body.id)).state, "succeeded");
  }));

Deno.test("a prediction that takes longer than timeoutSeconds has failed, and says why", () =>
  withServer(async ({ origin }) => {
    const { body } = await json(`${origin}/generate?n=64&steps=100&sampler=heun&guidance=3&timeoutSeconds=1`, later);
    const { state, error } = await ended(origin, body.id);
    assertEquals([state, error.status, error.title], ["failed", 504, "Gateway Timeout"]);
    const result = await json(`${origin}${body.urls.result}`);
    assertEquals(result.status, 409);
    assertStringIncludes(result.body.detail, "failed");
  }));

Deno.test("a prediction is forgotten when its time is over", () =>
  withServer(async ({ origin }) => {
    const { body } = await json(`${origin}/generate?steps=1`, later);
    await until(async () => (await json(`${origin}${body.urls.self}`)).status, (status) => status === 404);
  }, { limits: { retainedSeconds: 0.2 } }));

Deno.test("a prediction in the format of a film keeps its frames", () =>
  withServer(async ({ origin }) => {
    const { body } = await json(`${origin}/generate?n=2&steps=10&frames=3&format=json`, later);
    await ended(origin, body.id);
    const { images } = (await json(`${origin}${body.urls.result}`)).body;
    assertEquals(images.length, 2);
    assertEquals(decodePng(Uint8Array.fromBase64(images[0].image.split(",")[1])).height, 8);
    const film = await bytesOf(await fetch(`${origin}${body.urls.result}?format=gif`), "image/gif");
    assertEquals(new TextDecoder().decode(film.subarray(0, 6)), "GIF89a");
  }));
