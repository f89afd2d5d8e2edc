import { assert, assertEquals, assertMatch } from "@std/assert";
import { createLog } from "../../../routes/http/log.ts";
import { until, withServer } from "../with_server.ts";

Deno.test("createLog writes JSON lines of its level and above", () => {
  const written = (level: "off" | "error" | "info") => {
    const lines: string[] = [];
    const log = createLog(level, (line) => lines.push(line));
    log.info("told", { n: 1 });
    log.error("failed", { why: "two\nlines" });
    return lines.map((line) => {
      const { time, ...rest } = JSON.parse(line);
      assertMatch(time, /^\d{4}-\d\d-\d\dT.*Z$/);
      assert(!line.includes("\n"));
      return rest;
    });
  };
  const [told, failed] = [{ level: "info", message: "told", n: 1 }, {
    level: "error",
    message: "failed",
    why: "two\nlines",
  }];
  assertEquals(written("info"), [told, failed]);
  assertEquals(written("error"), [failed]);
  assertEquals(written("off"), []);
});

Deno.test("each request is logged once, with the id that its answer has and what it drew with", async () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", (line) => lines.push(JSON.parse(line)));
  await withServer(async ({ origin }) => {
    const drawn = await fetch(`${origin}/generate?steps=2&seed=5`, { headers: { "x-request-id": "mine-1" } });
    assertEquals([drawn.status, drawn.headers.get("x-request-id")], [200, "mine-1"]);
    await drawn.body!.cancel();
    const refused = await fetch(`${origin}/generate?steps=0`, { headers: { "x-request-id": "no good id!" } });
    const id = refused.headers.get("x-request-id");
    assertEquals((await refused.json()).requestId, id);
    assertMatch(id!, /^[0-9a-f-]{36}$/);
    await until(() => lines.length, (count) => count >= 2);
    const [first, second] = lines.map(({ id, client, method, path, status, outcome }) => ({
      id,
      client,
      method,
      path,
      status,
      outcome,
    }));
    const shared = { client: "127.0.0.1", method: "GET", path: "/generate", outcome: "sent" };
    assertEquals(first, { ...shared, id: "mine-1", status: 200 });
    assertEquals(second, { ...shared, id, status: 422 });
    const { task, model, parameters } = lines[0];
    assertEquals([task, model, (parameters as { seed: number }).seed], ["generate", "tiny-model", 5]);
    await fetch(`${origin}/generate`, { method: "HEAD" });
    await until(() => lines.length, (count) => count >= 3);
    assertEquals([lines[2].method, lines[2].status, lines[2].outcome], ["HEAD", 200, "sent"]);
  }, { log });
});
