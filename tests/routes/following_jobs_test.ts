import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename, join } from "@std/path";
import { encodePng } from "../../formats/png.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";
import { allEvents, readEvents } from "./read_events.ts";
import { progress, scriptedJobs } from "./scripted_jobs.ts";
import { asJson, until, withServer } from "./with_server.ts";

const json = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
};
const add = async (origin: string, name: string) =>
  assertEquals((await json(`${origin}/jobs`, asJson({ name }))).status, 202);

Deno.test("GET /jobs/{id}/events: what has happened, then what happens, then the job, and the end", async () => {
  const { jobs, started } = scriptedJobs();
  await withServer(async ({ origin }) => {
    await add(origin, "a");
    const [{ say, end }] = started;
    say({ event: "start", run: "runs/a", steps: 10 });
    say(progress(1));
    const response = await fetch(`${origin}/jobs/a/events`);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    assertEquals(response.headers.get("x-accel-buffering"), "no");
    const logs = await fetch(`${origin}/jobs/a/logs?follow=true`);
    assertEquals(logs.headers.get("x-accel-buffering"), "no");
    await logs.body!.cancel();
    const events = readEvents(response.body!);
    const next = async () => (await events.next()).value!;
    assertEquals(await next(), { id: 1, type: "start", data: { run: "runs/a", steps: 10 } });
    assertEquals((await next()).data.loss, 1);
    say({ event: "sample", step: 1, file: "runs/a/samples/step-000001.png" });
    const sample = await next();
    assertEquals([sample.id, sample.type, sample.data.url], [3, "sample", "/jobs/a/samples/step-000001.png"]);
    say({ event: "done", step: 10, folder: "runs/a" });
    assertEquals((await next()).type, "done");
    end();
    const last = await next();
    assertEquals([last.id, last.type, last.data.state, last.data.urls.self], [4, "end", "succeeded", "/jobs/a"]);
    assertEquals((await events.next()).done, true);

    const rest = async (headers: Record<string, string>, query = "") =>
      (await allEvents(await fetch(`${origin}/jobs/a/events${query}`, { headers }))).map(({ id, type }) => [id, type]);
    assertEquals(await rest({ "last-event-id": "2" }), [[3, "sample"], [4, "done"], [4, "end"]]);
    assertEquals(await rest({}, "?after=3"), [[4, "done"], [4, "end"]]);
    assertEquals(await rest({ "last-event-id": "4" }), [[4, "end"]]);
    assertEquals((await rest({ "last-event-id": "x" })).length, 5);
  }, { jobs });
});

Deno.test("GET /jobs/{id}/events: as JSON what there is so far, of a job that runs too", async () => {
  const { jobs, started } = scriptedJobs();
  await withServer(async ({ origin }) => {
    await add(origin, "a");
    for (let step = 1; step <= 5; step++) started[0].say(progress(step));
    const asked = { headers: { accept: "application/json" } };
    const { body } = await json(`${origin}/jobs/a/events`, asked);
    assertEquals(body.map(({ id, event, step }: { id: number; event: string; step: number }) => [id, event, step]), [
      ...[1, 2, 3, 4, 5].map((step) => [step, "progress", step]),
    ]);
    const some = await json(`${origin}/jobs/a/events?after=1&limit=2&format=json`);
    assertEquals(some.body.map(({ id }: { id: number }) => id), [2, 3]);
    assertEquals([body.length, some.headers.get("link")], [
      5,
      '</jobs/a/events?after=3&limit=2&format=json>; rel="next"',
    ]);
    // A page after the other, by their links alone.
    const pages: number[][] = [];
    for (let path: string | undefined = "/jobs/a/events?limit=2"; path !== undefined;) {
      // What a reconnecting browser would send too does not hold the pages up.
      const page = await json(`${origin}${path}`, { headers: { ...asked.headers, "last-event-id": "1" } });
      pages.push(page.body.map(({ id }: { id: number }) => id));
      path = page.headers.get("link")?.match(/^<(.*)>; rel="next"$/)?.[1];
    }
    assertEquals(pages, [[2, 3], [4, 5], []]);
    assertEquals((await json(`${origin}/jobs/a/events`, { headers: { accept: "image/png" } })).status, 406);
    assertEquals((await json(`${origin}/jobs/a/events?limit=0`)).status, 422);
  }, { jobs });
});

Deno.test("a stream of events ends when the server does, and lets go of the job when its reader does", async () => {
  const { jobs } = scriptedJobs();
  const events = jobs.events;
  const signals: AbortSignal[] = [];
  jobs.events = (id, options) => {
    signals.push(options!.signal!);
    return events(id, options);
  };
  let open: Response;
  await withServer(async ({ origin }) => {
    await add(origin, "a");
    const client = new AbortController();
    const left = await fetch(`${origin}/jobs/a/events`, { signal: client.signal });
    open = await fetch(`${origin}/jobs/a/events`);
    await until(() => signals.length, (count) => count === 2);
    client.abort();
    await left.text().catch(() => {});
    await until(() => signals[0].aborted, (aborted) => aborted);
    assert(!signals[1].aborted);
  }, { jobs });
  await open!.text().catch(() => {});
  assert(signals[1].aborted);
});

Deno.test("GET /jobs/{id}/logs: the lines there are, the last of them, or those to come as well", async () => {
  const { jobs, started } = scriptedJobs();
  await withServer(async ({ origin }) => {
    await add(origin, "a");
    const following = await fetch(`${origin}/jobs/a/logs?follow=true&tail=2`);
    assertEquals(following.headers.get("content-type"), "text/plain; charset=utf-8");
    started[0].end({ code: 1, stderr: "first\nerror: second\nthird" });
    assertEquals(await following.text(), "first\nerror: second\nthird\n");
    const read = async (query: string) => await (await fetch(`${origin}/jobs/a/logs${query}`)).text();
    assertEquals(await read(""), "first\nerror: second\nthird\n");
    assertEquals([await read("?tail=1"), await read("?tail=0")], ["third\n", ""]);
    assertEquals(
      (await fetch(`${origin}/jobs/a/logs?tail=-1`).then((r) => r.body!.cancel().then(() => r))).status,
      422,
    );
  }, { jobs });
});

writingTest(
  "GET /jobs/{id}/samples and /metrics: what lies in the run's folder, and nothing that leads elsewhere",
  async (folder) => {
    const id = basename(folder);
    const { jobs } = scriptedJobs();
    const ln = async (target: string, link: string) =>
      (await new Deno.Command("ln", { args: ["-s", target, link] }).output()).code;
    await withServer(async ({ origin }) => {
      await add(origin, id);
      const read = (path: string) => json(`${origin}/jobs/${id}/${path}`);
      assertEquals((await read("samples")).body, []);
      assertEquals((await read("metrics")).body, { steps: 0, points: [] });

      const png = encodePng({ height: 2, width: 2, channels: 1, data: new Uint8Array([0, 80, 160, 255]) });
      await Deno.mkdir(join(folder, "samples"));
      for (const step of ["000010", "000002"]) await Deno.writeFile(join(folder, "samples", `step-${step}.png`), png);
      await Deno.writeTextFile(join(folder, "samples", "notes.txt"), "secret");
      assertEquals(await ln(await Deno.realPath("deno.json"), join(folder, "samples", "step-3.png")), 0);
      const { body } = await read("samples");
      assertEquals(body.map(({ step, bytes }: { step: number; bytes: number }) => [step, bytes]), [
        [2, png.length],
        [10, png.length],
      ]);
      const picture = await fetch(`${origin}${body[0].url}`);
      assertEquals(picture.headers.get("content-type"), "image/png");
      assertEquals(await picture.bytes(), png);
      const hostile = [
        "notes.txt",
        "step-3.png",
        "..%2fconfig.json",
        "%2e%2e%2f%2e%2e%2fdeno.json",
        "step-1%00.png",
        "x".repeat(9000),
      ];
      for (const file of hostile) assertEquals((await read(`samples/${file}`)).status, 404, file);

      const lines = Array.from(
        { length: 1000 },
        (_, i) => JSON.stringify({ step: i + 1, loss: i, lossByQuartile: [i, null] }),
      );
      await Deno.writeTextFile(join(folder, "metrics.jsonl"), `${lines.join("\n")}\nno json\n{"step": 1001, "lo`);
      const { body: thinned } = await read("metrics?points=10");
      assertEquals([thinned.steps, thinned.points.length <= 10, thinned.points.at(-1).step], [1000, true, 1000]);
      assertEquals(thinned.points[0].loss, (thinned.points[0].rows - 1) / 2);
      assertEquals((await read("metrics?points=1")).status, 422);
    }, { jobs });
  },
  reasonNotToWrite,
);

Deno.test("POST /jobs/{id}/resume: a job that has ended goes on; one that runs, or has no steps left, is 409", async () => {
  const { jobs, started } = scriptedJobs();
  await withServer(async ({ origin }) => {
    await add(origin, "a");
    const resume = (body?: unknown) =>
      json(`${origin}/jobs/a/resume`, body === undefined ? { method: "POST" } : asJson(body));
    const running = await resume();
    assertEquals([running.status, running.body.title], [409, "Conflict"]);
    started[0].say(progress(3));
    started[0].say({ event: "checkpoint", step: 3, folder: "runs/a/checkpoints/step-3" });
    assertEquals((await json(`${origin}/jobs/a/cancel`, { method: "POST" })).status, 202);
    await until(async () => (await json(`${origin}/jobs/a`)).body.state, (state) => state === "canceled");
    assertEquals((await resume({ steps: 0 })).status, 422);
    assertEquals((await resume({ step: 1 })).status, 422);
    const resumed = await resume();
    assertEquals([resumed.status, resumed.headers.get("location"), started[1].options.resume], [
      202,
      "/jobs/a",
      "runs/a",
    ]);
    started[1].say({ event: "done", step: 10, folder: "runs/a" });
    started[1].end();
    await until(async () => (await json(`${origin}/jobs/a`)).body.state, (state) => state === "succeeded");
    assertEquals((await resume()).status, 409);
    const more = await resume({ steps: 20 });
    assertEquals([more.status, more.body.options.steps, started[2].options.steps], [202, 20, 20]);
    assertEquals((await json(`${origin}/jobs/nobody/resume`, { method: "POST" })).status, 404);
  }, { jobs });
});

Deno.test("GET /jobs: a page at a time; no more jobs wait than may, and whoever comes then is told when to come again", async () => {
  const { jobs, started } = scriptedJobs();
  await withServer(async ({ origin }) => {
    for (const name of ["a", "b", "c"]) await add(origin, name);
    started[0].say(progress(3));
    const full = await json(`${origin}/jobs`, asJson({ name: "d" }));
    assertEquals([full.status, full.headers.get("retry-after")], [429, "7"]);
    assertStringIncludes(full.body.detail, "2 jobs wait");
    const ids = async (query: string) => {
      const { headers, body } = await json(`${origin}/jobs${query}`);
      return [body.map(({ id }: { id: string }) => id), headers.get("link")];
    };
    assertEquals(await ids(""), [["a", "b", "c"], null]);
    assertEquals(await ids("?limit=2"), [["a", "b"], '</jobs?limit=2&after=b>; rel="next"']);
    assertEquals(await ids("?limit=2&after=b"), [["c"], null]);
    assertEquals((await json(`${origin}/jobs?after=x`)).status, 422);
    assertEquals((await json(`${origin}/jobs?limit=0`)).status, 422);
    await (await fetch(`${origin}/jobs/b/cancel`, { method: "POST" })).body!.cancel();
    await add(origin, "d");
  }, { jobs, limits: { waitingJobs: 2 } });
});
