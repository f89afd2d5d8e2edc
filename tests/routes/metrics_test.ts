import { assert, assertEquals } from "@std/assert";
import { pendingImages, until, withServer } from "./with_server.ts";

/** The samples of Prometheus' text format, by name and labels. */
const parse = (text: string): Map<string, number> =>
  new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );

const read = async (origin: string) => {
  const response = await fetch(`${origin}/metrics`);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parse(await response.text());
};

Deno.test("GET /metrics: counts rows, steps, requests by their end, streams and memory", () =>
  withServer(async ({ origin }) => {
    await (await fetch(`${origin}/generate?n=3&steps=5`)).body!.cancel();
    const client = new AbortController();
    const gone = fetch(`${origin}/generate?n=2&steps=100&format=event-stream`, { signal: client.signal });
    const stream = await gone;
    const during = await read(origin);
    assertEquals(during.get("denoise_event_streams"), 1);
    client.abort();
    await stream.text().catch(() => "gone");
    await until(() => pendingImages(origin), (images) => images === 0);
    await (await fetch(`${origin}/generate?steps=0`)).body!.cancel();

    const after = await until(() => read(origin), (samples) => samples.get("denoise_event_streams") === 0);
    const model = 'model="tiny-model"';
    const of = (name: string, labels = model) => after.get(`${name}{${labels}}`);
    assertEquals(of("denoise_tasks_total", `${model},outcome="finished"`), 1);
    assertEquals(of("denoise_tasks_total", `${model},outcome="aborted"`), 1);
    assertEquals([of("denoise_live_images"), of("denoise_waiting_images"), of("denoise_capacity_rows")], [0, 0, 16]);
    const batches = of("denoise_batches_total")!;
    assert(batches >= 5 && of("denoise_rows_total")! >= 15);
    assertEquals([of("denoise_step_seconds_count"), of("denoise_batch_occupancy_count")], [batches, batches]);
    assertEquals(of("denoise_batch_occupancy_sum"), of("denoise_rows_total")! / 16);
    assert(of("denoise_step_seconds_sum")! >= of("denoise_engine_seconds_total")!);
    assert(of("denoise_memory_bytes", 'kind="rss"')! > 1e7);
    const heaps = ["http", "sampling", "encoder"].map((thread) =>
      ["used", "total"].map((kind) => of("denoise_heap_bytes", `thread="${thread}",kind="${kind}"`)!)
    );
    for (const [used, total] of heaps) assert(1e6 < used && used <= total, `${used} of ${total}`);
    assertEquals(new Set(heaps.flat()).size, 6);
    // Nothing was sent that it would decode.
    assertEquals(of("denoise_heap_bytes", 'thread="decoder",kind="used"'), undefined);
    const route = 'method="GET",route="/generate"';
    assertEquals(of("denoise_request_seconds_count", `${route},status="422"`), 1);
    assertEquals(of("denoise_request_seconds_count", `${route},status="200"`), 2);
    assertEquals([after.get("denoise_ready"), after.get("denoise_engine_restarts_total")], [1, 0]);
  }));
