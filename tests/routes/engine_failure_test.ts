import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { createApp } from "../../routes/app.ts";
import { createCodec } from "../../routes/codec/codec.ts";
import { LIMITS } from "../../routes/http/limits.ts";
import { createLog } from "../../routes/http/log.ts";
import { createModelSnapshots } from "../../routes/models/snapshots.ts";
import { createPredictionStore } from "../../routes/predictions/store.ts";
import { openServing } from "../../serving/client.ts";
import { createMemoryJobs } from "../jobs/memory_jobs.ts";
import { FAILING_SEED } from "../serving/failing_seeds.ts";
import { bytesOf, tinyModel, until } from "./with_server.ts";

/** Runs a test against a server whose engine fails on the request with FAILING_SEED. */
const withFailingEngine = async (test: (origin: string, lines: string[]) => Promise<void>) => {
  const script = new URL("../serving/failing_worker.ts", import.meta.url);
  const serving = await openServing({ models: [tinyModel], engine: "wasm" }, { script, delays: [300, 300] });
  const predictions = createPredictionStore(LIMITS);
  const [encoder, decoder] = [createCodec(), createCodec()];
  const lines: string[] = [];
  // It makes nothing before a checkpoint is served.
  const kept = createModelSnapshots("runs");
  const app = createApp({
    serving,
    jobs: createMemoryJobs(),
    checkNeeds: () => Promise.resolve(),
    storage: null,
    snapshots: kept,
    trainingOptions: z.strictObject({}),
    limits: LIMITS,
    keys: [],
    origins: [],
    log: createLog("error", (line) => lines.push(line)),
    predictions,
    encoder,
    decoder,
    stopping: new AbortController().signal,
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  try {
    await test(`http://127.0.0.1:${server.addr.port}`, lines);
  } finally {
    await server.shutdown();
    predictions.close();
    encoder.close();
    decoder.close();
    await serving.close();
    await kept.close();
  }
};

Deno.test("an engine that fails is a 500 with the request's id; the models come back, and draw what they drew", () =>
  withFailingEngine(async (origin, lines) => {
    const draw = async () => await bytesOf(await fetch(`${origin}/generate?n=2&steps=20&seed=11`), "image/png");
    const before = await draw();
    const headers = { "x-request-id": "mine-1" };
    const failed = await fetch(`${origin}/generate?n=2&steps=100&seed=${FAILING_SEED}`, { headers });
    const problem = await failed.json();
    assertEquals([failed.status, failed.headers.get("content-type")], [500, "application/problem+json"]);
    assertEquals([failed.headers.get("x-request-id"), problem.requestId, problem.status], ["mine-1", "mine-1", 500]);
    assert(problem.detail.startsWith("the engine failed on this request"), problem.detail);
    assert(!JSON.stringify(problem).includes("out of memory"), "what failed is the log's business");
    assertEquals(lines.length, 1);
    const { id, error } = JSON.parse(lines[0]);
    assert(id === "mine-1" && error.includes("out of memory"), lines[0]);

    const ready = async () => {
      const response = await fetch(`${origin}/ready`);
      await response.body?.cancel();
      return [response.status, response.headers.get("retry-after")];
    };
    assertEquals(await until(ready, ([status]) => status !== 200), [503, "2"]);
    assertEquals(await draw(), before);
    assertEquals((await ready())[0], 200);
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    for (
      const line of ["denoise_engine_restarts_total 1", 'denoise_tasks_total{model="tiny-model",outcome="failed"} 1']
    ) {
      assert(metrics.includes(`${line}\n`), line);
    }
  }));
