import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { createEntrance, type Entrance } from "../../routes/entrance.ts";
import { createFrame } from "../../routes/http/frame.ts";
import { createLog } from "../../routes/http/log.ts";
import { openServer } from "../../routes/server.ts";
import { freePort } from "../free_port.ts";
import { createMemoryJobs } from "../jobs/memory_jobs.ts";
import { requestOf, sendRaw } from "./send_raw.ts";
import { asJson, tinyModel, until } from "./with_server.ts";

interface Waiting {
  readonly entrance: Entrance;
  readonly origin: string;
  /** Resolves once so many requests have come. */
  arrived(count: number): Promise<unknown>;
  /** What was logged, a line a request. */
  readonly lines: Record<string, unknown>[];
  /** Lets requests in to an application that says back what it is asked, and gives what it was asked for. */
  open(): string[];
}

/** Runs a test against an entrance whose models are loaded when the test says so. */
const withEntrance = async (test: (waiting: Waiting) => Promise<void>, seconds = 60) => {
  const lines: Record<string, unknown>[] = [];
  const options = { log: createLog("info", (line) => lines.push(JSON.parse(line))), origins: [] };
  const entrance = createEntrance({ ...options, seconds });
  let arrivals = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request, info) => {
    arrivals++;
    return entrance.fetch(request, info);
  });
  const arrived = (count: number) => until(() => arrivals, (arrivals) => arrivals === count);
  const open = () => {
    const asked: string[] = [];
    const app = createFrame(options);
    app.all("*", async (c) => {
      asked.push(`${c.req.method} ${c.req.path}`);
      return c.json({ body: await c.req.text(), waited: c.get("waited") });
    });
    entrance.open(app);
    return asked;
  };
  try {
    await test({ entrance, origin: `http://127.0.0.1:${server.addr.port}`, lines, open, arrived });
  } finally {
    await server.shutdown();
  }
};

const openTiny = (port: number, signal?: AbortSignal) =>
  openServer({
    models: [tinyModel],
    engine: "wasm",
    host: "127.0.0.1",
    port,
    jobs: createMemoryJobs(),
    trainingOptions: z.strictObject({}),
    signal,
  });

/** Waits until something listens there, and no longer. */
const listening = (port: number) =>
  until(
    () => Deno.connect({ hostname: "127.0.0.1", port }).then((connection) => connection.close(), (error) => error),
    (error) => error === undefined,
  );

const answerOf = async (response: Promise<Response>) => {
  const { status } = await response;
  return { status, ...await (await response).json() };
};

Deno.test("a server that loads its models: what draws waits for them, the rest is answered at once", async () => {
  const port = freePort();
  const origin = `http://127.0.0.1:${port}`;
  const opening = openTiny(port);
  await listening(port);
  const prediction = asJson({ task: "generate", input: { steps: 2 } }, { method: "PUT" });
  const drawn = [
    fetch(`${origin}/generate?steps=2&seed=1`),
    fetch(`${origin}/generate`, asJson({ steps: 2, seed: 1 })),
    fetch(`${origin}/predictions/early`, prediction),
  ];
  const [health, ready, models] = await Promise.all(
    ["health", "ready", "models"].map((path) => fetch(`${origin}/${path}`)),
  );
  const { close } = await opening;
  try {
    assertEquals((await health.json()).serving, "starting");
    assertEquals([ready.status, models.status], [503, 503]);
    await Promise.all([ready, models].map(({ body }) => body!.cancel()));
    const [get, post, put] = await Promise.all(drawn);
    assertEquals([get.status, post.status, put.status], [200, 200, 201]);
    assertEquals(await get.bytes(), await post.bytes());
    assertEquals((await put.json()).id, "early");
  } finally {
    await close();
  }
});

Deno.test("a server that is to be closed while it loads its models lets nobody wait for them", async () => {
  const port = freePort();
  const interrupt = new AbortController();
  const opening = openTiny(port, interrupt.signal);
  await listening(port);
  const waiting = fetch(`http://127.0.0.1:${port}/generate`);
  await (await fetch(`http://127.0.0.1:${port}/health`)).body!.cancel();
  interrupt.abort();
  const early = await Promise.race([answerOf(waiting), opening]);
  assertEquals("status" in early && early.status, 503);
  await (await opening).close();
});

Deno.test("who waits for the models is answered once, with its body whole, and its waiting is told", () =>
  withEntrance(async ({ origin, lines, open, arrived }) => {
    const waiting = answerOf(fetch(`${origin}/inpaint`, { method: "POST", body: "x".repeat(100_000) }));
    assertEquals((await answerOf(fetch(`${origin}/jobs`))).status, 503);
    await arrived(2);
    await new Promise((resume) => setTimeout(resume, 100));
    const asked = open();
    const { status, body, waited } = await waiting;
    assertEquals([status, body.length, asked], [200, 100_000, ["POST /inpaint"]]);
    assert(waited > 0.09, String(waited));
    await until(() => lines.length, (count) => count === 2);
    assertEquals([lines[1].path, lines[1].status], ["/inpaint", 200]);
    assert(lines[1].ms as number > 90, String(lines[1].ms));
    assertEquals((await answerOf(fetch(`${origin}/generate`))).waited, 0);
  }));

Deno.test("who waits for the models is answered 504 when its time is over", () =>
  withEntrance(async ({ origin }) => {
    const cases = ["/generate?timeoutSeconds=0.05", "/generate?timeoutSeconds=1000", "/generate?timeoutSeconds=x"];
    for (const path of cases) {
      const { status, detail } = await answerOf(fetch(`${origin}${path}`));
      assertEquals(status, 504, path);
      assertStringIncludes(detail, `not loaded in ${path === cases[0] ? 50 : 200} ms`);
    }
  }, 0.2));

Deno.test("who asks for another host, or from another site, does not wait for the models", () =>
  withEntrance(async ({ origin, lines, open }) => {
    const sent = (host: string, more = "") => sendRaw(origin, requestOf(host, { path: "/generate", more }));
    const statuses = async () => [
      (await sent("evil.example")).status,
      (await sent("a b")).status,
      (await sent("localhost", "Origin: https://evil.example\r\n")).status,
    ];
    assertEquals(await statuses(), [421, 400, 403]);
    const asked = open();
    assertEquals(await statuses(), [421, 400, 403]);
    assertEquals([asked, lines.map(({ status }) => status)], [[], [421, 400, 403, 421, 400, 403]]);
  }));

Deno.test("who went away while it waited for the models is dropped", () =>
  withEntrance(async ({ origin, lines, open, arrived }) => {
    const client = new AbortController();
    const waiting = fetch(`${origin}/generate`, { signal: client.signal });
    await arrived(1);
    client.abort();
    await assertRejects(() => waiting, DOMException);
    await until(() => lines.length, (count) => count === 1);
    assertEquals([lines[0].path, lines[0].status], ["/generate", 499]);
    const asked = open();
    assertEquals((await answerOf(fetch(`${origin}/forward`))).status, 200);
    assertEquals(asked, ["GET /forward"]);
  }));

Deno.test("who waits for models that cannot be loaded is answered 503, and so is who comes", () =>
  withEntrance(async ({ entrance, origin, arrived }) => {
    const waiting = answerOf(fetch(`${origin}/generate`));
    await arrived(1);
    entrance.fail();
    assertEquals((await waiting).status, 503);
    assertEquals((await answerOf(fetch(`${origin}/generate`))).status, 503);
  }));
