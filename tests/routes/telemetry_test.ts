import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { until } from "./with_server.ts";

const main = fromFileUrl(new URL("../../main.ts", import.meta.url));

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: { key: string; value: Record<string, unknown> }[];
}

/** The spans and lines that a program exported while a test ran, it being told where to. */
const exporting = async (
  test: (spans: readonly Span[], env: Record<string, string>, lines: readonly string[]) => Promise<void>,
) => {
  const spans: Span[] = [];
  const lines: string[] = [];
  const collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { resourceSpans = [], resourceLogs = [] } = await request.json();
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    for (const { scopeLogs } of resourceLogs) {
      for (const { logRecords } of scopeLogs) for (const { body } of logRecords) lines.push(body.stringValue);
    }
    return Response.json({});
  });
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "50",
    OTEL_BLRP_SCHEDULE_DELAY: "50",
    NO_COLOR: "1",
  };
  try {
    await test(spans, env, lines);
  } finally {
    await collector.shutdown();
  }
};

const serving = async (env: Record<string, string>, test: (origin: string) => Promise<void>) => {
  const flags = [
    "--allow-read=.",
    "--allow-net=127.0.0.1",
    "--allow-env=XDG_RUNTIME_DIR,DENOISE_API_KEYS,DATABASE_URL",
  ];
  const server = new Deno.Command(Deno.execPath(), {
    args: [...DENO_RUN, ...flags, main, "serve", "--model=tests/fixtures/tiny-model", "--port=0"],
    env,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let text = "";
    while (!text.includes("curl")) {
      const { value, done } = await output.read();
      if (done) throw new Error(`the server has ended: ${text}`);
      text += value;
    }
    await test(text.split(" ")[0]);
  } finally {
    server.kill("SIGTERM");
    await Promise.all([server.status, output.cancel()]);
  }
};

Deno.test("with OTEL_DENO, sampling is a span within the request's, which says its route", () =>
  exporting((spans, env) =>
    serving({ ...env, OTEL_DENO: "true" }, async (origin) => {
      await (await fetch(`${origin}/generate?steps=3&n=2&seed=5`)).body!.cancel();
      const find = (name: string) => spans.find((span) => span.name === name);
      await until(() => find("denoise.sample") && find("GET /generate"), (span) => span !== undefined);
      const [sample, request] = [find("denoise.sample")!, find("GET /generate")!];
      assertEquals([sample.traceId, sample.parentSpanId], [request.traceId, request.spanId]);
      const attributes = Object.fromEntries(sample.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
      const names = ["task", "model", "n", "steps", "sampler", "seed"];
      assertEquals(names.map((name) => attributes[`denoise.${name}`]), ["generate", "tiny-model", 2, 3, "ddpm", 5]);
    })
  ));

Deno.test("with OTEL_DENO, the log is exported", () =>
  exporting((_, env, lines) =>
    serving({ ...env, OTEL_DENO: "true" }, async (origin) => {
      await (await fetch(`${origin}/nowhere`)).body!.cancel();
      await until(() => lines.filter((line) => line.includes('"path":"/nowhere"')).length, (count) => count === 1);
    })
  ));

Deno.test("without OTEL_DENO nothing is exported", () =>
  exporting((spans, env) =>
    serving(env, async (origin) => {
      await (await fetch(`${origin}/generate?steps=3`)).body!.cancel();
      await new Promise((resume) => setTimeout(resume, 500));
      assertEquals(spans, []);
    })
  ));
