import { AS_THEY_ARE } from "../../../formats/enlarge.ts";
import { assertEquals } from "@std/assert";
import { createEventLog } from "../../../routes/http/event_stream.ts";
import type { Lifetime } from "../../../routes/http/lifetime.ts";
import {
  createPredictionStore,
  type PredictionStore,
  type StoredPrediction,
} from "../../../routes/predictions/store.ts";
import { until } from "../with_server.ts";

const head = { task: "generate", model: "m", engine: { name: "e", version: "1", device: "d" }, parameters: {} };

/** A prediction that will hold `floats` values and a frame of 10 bytes. */
const make = (id: string): StoredPrediction => ({
  id,
  owner: null,
  fingerprint: null,
  head,
  format: "png",
  createdAt: new Date(),
  end: null,
  running: {
    events: createEventLog(),
    begun: Promise.resolve(),
    startedAt: null,
    progress: null,
    drawing: new Promise(() => {}),
    lifetime: {} as Lifetime,
  },
});

const finish = (store: PredictionStore, prediction: StoredPrediction, floats: number) => {
  const drawing = {
    head,
    shape: { height: 1, width: 1, channels: 1 },
    values: new Float32Array(floats),
    items: [],
    labels: null,
    measures: {},
    frames: [new Uint8Array(10)],
    enlargement: AS_THEY_ARE,
    seconds: { waiting: 0, drawing: 0 },
  };
  prediction.end = { at: new Date(), outcome: { state: "succeeded", drawing } };
  store.markEnded(prediction);
};

const ids = (store: PredictionStore) => store.all.map(({ id }) => id);

const fill = (store: PredictionStore, ...names: string[]) => {
  const all = names.map(make);
  for (const prediction of all) store.add(prediction);
  return all;
};

Deno.test("createPredictionStore: beyond their number, the one that ended first goes first; none under way goes", () => {
  const store = createPredictionStore({ retainedSeconds: 100, retainedCount: 2, retainedBytes: 1e6 });
  const [a, b, c] = fill(store, "a", "b", "c", "d");
  for (const prediction of [b, a, c]) finish(store, prediction, 1);
  assertEquals(ids(store), ["a", "c", "d"]);
  store.close();
  assertEquals([ids(store), store.bytes], [[], 0]);
});

Deno.test("createPredictionStore: beyond their bytes, the one that ended first goes first", () => {
  const store = createPredictionStore({ retainedSeconds: 100, retainedCount: 100, retainedBytes: 1000 });
  const [a, b, c] = fill(store, "a", "b", "c");
  a.running.events.append("x", "y".repeat(98));
  finish(store, a, 100);
  assertEquals(store.bytes, 400 + 10 + 100);
  finish(store, b, 50);
  assertEquals([ids(store), store.bytes], [["a", "b", "c"], 720]);
  finish(store, c, 100);
  assertEquals([ids(store), store.bytes], [["b", "c"], 620]);
  store.remove("b");
  assertEquals(store.bytes, 410);
  store.close();
});

Deno.test("createPredictionStore: an ended one goes when its time is over", async () => {
  const store = createPredictionStore({ retainedSeconds: 0.05, retainedCount: 100, retainedBytes: 1000 });
  const [a] = fill(store, "a", "b");
  assertEquals(store.expiry(a), null);
  finish(store, a, 1);
  assertEquals(store.expiry(a)!.getTime() - a.end!.at.getTime(), 50);
  await until(() => ids(store), (left) => left.length === 1);
  assertEquals([ids(store), store.bytes], [["b"], 0]);
  store.close();
});

Deno.test("createPredictionStore: one that was removed while it was under way is not kept at its end", () => {
  const store = createPredictionStore({ retainedSeconds: 100, retainedCount: 100, retainedBytes: 1000 });
  const [a] = fill(store, "a");
  store.remove("a");
  finish(store, a, 100);
  assertEquals([ids(store), store.bytes], [[], 0]);
});
