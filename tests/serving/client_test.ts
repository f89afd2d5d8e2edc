import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { ParameterError } from "../../sampling/errors.ts";
import { targetOf } from "../../sampling/loaded_model.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import {
  type Batch,
  DeadlineError,
  EngineFailedError,
  openServing,
  QueueFullError,
  ScheduleError,
  type Serving,
  type TaskEvent,
  UnavailableError,
} from "../../serving/client.ts";
import { whyNot } from "../engine/why_not.ts";
import { createChance, randomRequest } from "../sampling/random_request.ts";
import { drawAlone } from "../sampling/reference.ts";
import { DYING_SEED, FAILING_SEED } from "./failing_seeds.ts";

const folder = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));
const generate = (changes: Partial<ResolvedSampling> = {}): SamplingRequest => ({
  kind: "generate",
  sampling: { n: 1, seed: 5, sampler: "ddpm", steps: 20, guidance: 1, labels: [1], ...changes },
});
const labels = (n: number) => Array.from({ length: n }, (_, i) => i % 3);

/** A request that would take much longer than any test. */
const endless = (changes: Partial<ResolvedSampling> = {}): SamplingRequest => ({
  kind: "inpaint",
  sampling: { ...generate(changes).sampling, steps: 100 },
  image: new Float32Array(192),
  mask: new Float32Array(64),
  jumpLength: 1,
  jumpSamples: 200,
});

const withServing = async (
  test: (serving: Serving, name: string) => Promise<void>,
  options: Partial<Parameters<typeof openServing>[0]> = {},
  setup?: Parameters<typeof openServing>[1],
) => {
  const serving = await openServing({ models: [folder], engine: "wasm", ...options }, setup);
  try {
    await test(serving, serving.models[0].name);
  } finally {
    await serving.close();
  }
};

/** The model in this thread, for core's loops. */
const openAlone = async () => {
  const pipeline = await loadPipeline(folder);
  const network = createDenoiser(await openEngine("wasm"), pipeline);
  return { network, target: targetOf(pipeline, network), nullLabel: pipeline.nullLabel };
};

Deno.test("openServing: is ready with what it loaded, and draws what core's loops draw in this thread, for every kind", () =>
  withServing(async (serving, name) => {
    const [info] = serving.models;
    assertEquals([name, info.folder], ["tiny-model", folder]);
    assertEquals([info.labels, info.timesteps, info.nullLabel], [["red", "green", "blue"], 100, 3]);
    assertEquals([info.engine.name, info.scheduler.num_train_timesteps], ["wasm", 100]);
    assert(info.parameters > 1000);
    const model = await openAlone();
    const chance = createChance(3);
    const requests = Array.from({ length: 24 }, () => randomRequest(chance, model.target));
    assertEquals(new Set(requests.map(({ kind }) => kind)).size, 5);
    const images = await Promise.all(requests.map((request) => serving.run(name, request)));
    for (const [i, request] of requests.entries()) assertEquals(images[i], await drawAlone(request, model));
    model.network.dispose();
  }));

Deno.test("Serving: a request is told what becomes of it, with previews", () =>
  withServing(async (serving, name) => {
    const events: TaskEvent[] = [];
    const request = generate({ n: 3, labels: labels(3), steps: 5 });
    await serving.run(name, request, { onEvent: (event) => events.push(event), previews: 2 });
    assertEquals(events[0], { type: "queued", position: 0 });
    assertEquals(events[1], { type: "started" });
    const steps = events.slice(2).map((event) => event.type === "step" ? event : null);
    assertEquals(steps.at(-1)!.done, 15);
    assert(steps.every((step) => step!.total === 15 && step!.steps === 5));
    const previews = steps.flatMap((step) => step!.preview ?? []);
    assertEquals(previews.map(({ step, timestep, x }) => [step, timestep, x.length]), [[1, 80, 576], [5, 0, 576]]);
    assertEquals(previews[1].x, previews[1].x0);
  }));

Deno.test("Serving: counts network calls and how requests ended, and tells of each call", () =>
  withServing(async (serving, name) => {
    const batches: Batch[] = [];
    serving.onBatch = (batch) => batches.push(batch);
    await serving.run(name, generate({ n: 2, labels: [0, 1], guidance: 2, steps: 4 }));
    const [stats] = serving.stats;
    assertEquals([stats.model, stats.batches, stats.rows, stats.padding], [name, 4, 16, 0]);
    assertEquals([stats.live, stats.waiting, stats.finished], [0, 0, 1]);
    assertEquals(batches.map(({ model, rows, bucket }) => [model, rows, bucket]), Array(4).fill([name, 4, 4]));
    assert(batches.every(({ seconds, engineSeconds }) => seconds >= engineSeconds && engineSeconds > 0));
    const sum = batches.reduce((total, { seconds }) => total + seconds, 0);
    assert(Math.abs(stats.seconds - sum) < 1e-9);
  }));

Deno.test("Serving: several models, each with its name, its requests and its counters, share the worker", () =>
  withServing(async (serving) => {
    assertEquals(serving.models.map(({ name }) => name), ["tiny-model", "conditional", "tiny-model-2"]);
    const other = serving.models[1];
    const [a, b, c] = await Promise.all([
      serving.run("tiny-model", generate()),
      serving.run("conditional", generate({ labels: [1], steps: 10 })),
      serving.run("tiny-model-2", generate()),
    ]);
    assertEquals([a.length, b.length], [192, other.height * other.width * other.channels]);
    assertEquals(a, c);
    assertEquals(serving.stats.map(({ batches }) => batches), [20, 10, 20]);
    await assertRejects(() => serving.run("digits", generate()), RangeError, "model must be one of tiny-model, cond");
  }, { models: [folder, fromFileUrl(new URL("../fixtures/model/conditional", import.meta.url)), folder] }));

Deno.test("Serving: deterministic pads every call to the capacity", () =>
  withServing(async (serving, name) => {
    const batches: Batch[] = [];
    serving.onBatch = (batch) => batches.push(batch);
    const alone = await serving.run(name, generate());
    const [among] = await Promise.all([
      serving.run(name, generate()),
      serving.run(name, generate({ n: 5, seed: 6, labels: labels(5), steps: 9 })),
    ]);
    assertEquals(among, alone);
    assert(batches.every(({ bucket }) => bucket === 7));
    assertEquals(serving.stats[0].padding + serving.stats[0].rows, 7 * batches.length);
  }, { deterministic: true, capacity: 7 }));

Deno.test("Serving: an aborted request rejects with its reason, frees its rows, and the worker goes on", () =>
  withServing(async (serving, name) => {
    const canceller = new AbortController();
    const cancelled = serving.run(name, endless(), {
      signal: canceller.signal,
      onEvent: (event) => event.type === "step" && event.done === 3 && canceller.abort(new Error("enough")),
    });
    await assertRejects(() => cancelled, Error, "enough");
    assertEquals([serving.stats[0].live, serving.stats[0].waiting, serving.stats[0].aborted], [0, 0, 1]);
    const batches: number[] = [];
    serving.onBatch = ({ rows }) => batches.push(rows);
    await serving.run(name, generate());
    assert(batches.slice(2).every((rows) => rows === 1), `${batches}`);
    await assertRejects(
      () => serving.run(name, generate(), { signal: AbortSignal.abort(new Error("no")) }),
      Error,
      "no",
    );
  }));

Deno.test("Serving: a request that is not done in its time is a DeadlineError", () =>
  withServing(async (serving, name) => {
    await assertRejects(() => serving.run(name, endless(), { deadline: 50 }), DeadlineError, "in 50 ms");
    assertEquals([serving.stats[0].expired, serving.stats[0].waiting, serving.stats[0].live], [1, 0, 0]);
    assertEquals((await serving.run(name, generate(), { deadline: 2 ** 40 })).length, 192);
    await assertRejects(() => serving.run(name, generate(), { deadline: NaN }), RangeError, "deadline");
  }));

Deno.test("Serving: a full queue says when to come again; what asks for too much, or the impossible, says so", () =>
  withServing(async (serving, name) => {
    await serving.run(name, generate());
    const canceller = new AbortController();
    const first = serving.run(name, endless({ n: 2, labels: labels(2) }), { signal: canceller.signal });
    const full = await assertRejects(
      () => serving.run(name, endless()),
      QueueFullError,
      "rows of work under way and may have 40000, beside 0 other clients; 19801 more",
    );
    assert(Number.isInteger(full.retryAfter) && full.retryAfter >= 1 && full.retryAfter <= 3600);
    assertEquals([serving.stats[0].refused, serving.stats[0].clients], [1, 1]);
    assert(serving.stats[0].left > 30_000, `${serving.stats[0].left}`);
    // One third of what is free is another client's.
    assertEquals((await serving.run(name, generate(), { client: "another" })).length, 192);
    await assertRejects(
      () => serving.run(name, endless(), { client: "another" }),
      QueueFullError,
      "has 0 rows of work under way and may have 13",
    );
    canceller.abort();
    await assertRejects(() => first, DOMException);

    assertEquals([serving.stats[0].left, serving.stats[0].clients], [0, 0]);

    const tooMany = await assertRejects(() => serving.run(name, endless({ n: 3, labels: labels(3) })), ParameterError);
    assertEquals(tooMany.issues.map(({ field, allowed }) => [field, allowed.split(":")[0]]), [
      ["n", "at most 2 with these steps"],
    ]);
    const tooLong = () => serving.run(name, { ...endless({ guidance: 3 }), jumpSamples: 300 } as SamplingRequest);
    assertEquals((await assertRejects(tooLong, ParameterError)).issues[0].field, "steps");
    const steps = () => serving.run(name, generate({ steps: 101 }));
    await assertRejects(steps, ScheduleError, "noise schedule");
    const bad = await assertRejects(
      () => serving.run(name, generate({ labels: [4] })),
      ParameterError,
      "labels must be",
    );
    assertEquals(bad.issues[0].received, [4]);
    await assertRejects(
      () => serving.run(name, { ...endless(), image: new Float32Array(5) } as SamplingRequest),
      RangeError,
    );
    assertEquals((await serving.run(name, generate())).length, 192);
  }, { queue: 80_000 }));

Deno.test("openServing: folders without a model, and options out of range, are refused", async () => {
  const open = (options: object) => openServing({ models: [folder], engine: "wasm", ...options });
  const missing = await assertRejects(() => open({ models: [folder, "tests/nowhere"] }), Error);
  assertEquals(missing.name, "ModelError");
  assertStringIncludes(missing.message, "tests/nowhere");
  await assertRejects(() => open({ models: [] }), RangeError, "models");
  await assertRejects(() => open({ capacity: 1 }), RangeError, "capacity");
  await assertRejects(() => open({ queue: 0 }), RangeError, "queue");
});

const script = new URL("./failing_worker.ts", import.meta.url);
const delays = [1, 1, 1];

for (const engine of ["wasm", "onnx", "tensorflow"] as const) {
  const reason = whyNot(engine);
  const title =
    "an engine failure fails the requests in that call, with their ids; the rest begin anew on another worker";
  Deno.test(`Serving on ${engine}: ${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, () =>
    withServing(
      async (serving, name) => {
        const alone = await serving.run(name, generate());
        const failing = serving.run(name, generate({ n: 2, labels: labels(2), steps: 100, seed: FAILING_SEED }), {
          id: "a",
        });
        // The longer one has no place beside it, and has not begun.
        const events: string[] = [];
        const waiting = generate({ n: 3, labels: labels(3), steps: 100 });
        const last = serving.run(name, waiting, { onEvent: ({ type }) => events.push(type) });
        last.catch(() => {});
        const failed = await assertRejects(() => failing, EngineFailedError, "the engine failed: out of memory");
        assertEquals(failed.id, "a");
        while (serving.state === "ready") await new Promise((resume) => setTimeout(resume, 1));
        assertEquals([serving.state, serving.failure!.message], ["restarting", "out of memory"]);
        // A request that comes meanwhile waits.
        assertEquals(await serving.run(name, generate()), alone);
        assertEquals(events.slice(0, 2), ["queued", "queued"]);
        assertEquals((await last).slice(0, 192), await serving.run(name, generate({ steps: 100, labels: [0] })));
        assertEquals([serving.state, serving.restarts, serving.stats[0].failed], ["ready", 1, 1]);
      },
      { capacity: 2, engine },
      { script, delays },
    ));
}

Deno.test("Serving: a worker that dies fails what had begun; another takes its place, as often as need be", () =>
  withServing(
    async (serving, name) => {
      const alone = await serving.run(name, generate());
      for (const restarts of [1, 2]) {
        const begun = serving.run(name, endless({ seed: DYING_SEED }));
        await assertRejects(() => begun, EngineFailedError, "out of luck");
        assertEquals(await serving.run(name, generate()), alone);
        assertEquals(serving.restarts, restarts);
      }
    },
    {},
    { script, delays },
  ));

const fake = (onMessage: string) =>
  new URL("data:application/javascript," + encodeURIComponent(`self.onmessage = ({ data }) => { ${onMessage} };`));

Deno.test("Serving: a worker that cannot be started again is given up, and requests are refused, those that wait too", async () => {
  const script = fake(`
    if (data.type === "run") setTimeout(() => { throw new Error("out of luck"); });
    else self.postMessage({ type: "ready", infos: [{ key: 1, info: { name: "good" } }], lost: [], memory: {} });`);
  const serving = await openServing({ models: ["good"], engine: "wasm" }, { script, delays: [] });
  const pending = [serving.run("good", generate()), serving.run("good", generate())];
  for (const run of pending) {
    await assertRejects(() => run, UnavailableError, "could not be started again: the sampling worker died");
  }
  await assertRejects(() => serving.run("good", generate()), UnavailableError);
  assertEquals(serving.state, "failed");
  await serving.close();
});

Deno.test("openServing: a worker that does not start is an error, not a wait", async () => {
  const script = new URL("data:application/javascript," + encodeURIComponent("throw new Error('no');"));
  await assertRejects(() => openServing({ models: [folder], engine: "wasm" }, { script }), Error, "worker died");
});

Deno.test("Serving: after close everything is refused, and what was under way fails", async () => {
  const serving = await openServing({ models: [folder], engine: "wasm" });
  const first = serving.run("tiny-model", endless());
  const closed = serving.close();
  await assertRejects(() => first, UnavailableError, "closed");
  await assertRejects(() => serving.run("tiny-model", generate()), UnavailableError, "closed");
  await Promise.all([closed, serving.close()]);
  assertEquals(serving.stats[0].live + serving.stats[0].waiting, 0);
});

Deno.test("Serving: after 1,000 mixed aborts over the worker nothing is left, and later requests are unharmed", () =>
  withServing(async (serving, name) => {
    const alone = await serving.run(name, generate());
    let ended = 0;
    const one = async (i: number) => {
      const canceller = new AbortController();
      const options = i % 4 === 0 ? { deadline: 1 + i % 7 } : { signal: canceller.signal };
      const run = serving.run(name, endless({ n: 1 + i % 3, labels: labels(1 + i % 3), seed: i }), {
        ...options,
        onEvent: (event) => i % 4 === 1 && event.type === "step" && canceller.abort(),
        previews: i % 5,
      });
      if (i % 4 === 2) canceller.abort();
      if (i % 4 === 3) setTimeout(() => canceller.abort(), i % 13);
      await run.catch(() => ended++);
    };
    for (let wave = 0; wave < 20; wave++) {
      const steady = serving.run(name, generate());
      await Promise.all(Array.from({ length: 50 }, (_, i) => one(50 * wave + i)));
      assertEquals(await steady, alone);
    }
    assertEquals(ended, 1000);
    const { live, waiting, aborted, expired, finished } = serving.stats[0];
    assertEquals([live, waiting, aborted + expired, finished], [0, 0, 1000, 21]);
    // What was said of earlier calls is heard by the end of this one.
    assertEquals(await serving.run(name, generate()), alone);
    const batches: number[] = [];
    serving.onBatch = ({ rows }) => batches.push(rows);
    assertEquals(await serving.run(name, generate()), alone);
    assertEquals(batches, Array(20).fill(1));
  }, { queue: 1e8 }));
