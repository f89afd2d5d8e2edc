import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { tinyModel, withServer } from "./with_server.ts";

Deno.test("GET /health: says what is loaded and that it can draw", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/health`);
    assertEquals(response.status, 200);
    const { status, model, engine, pendingImages, uptimeSeconds, memory } = await response.json();
    assertEquals(status, "ok");
    assertEquals(model, {
      folder: tinyModel,
      height: 8,
      width: 8,
      channels: 3,
      timesteps: 100,
      labels: ["red", "green", "blue"],
      guidance: true,
    });
    assertEquals(engine.name, "wasm");
    assertEquals(pendingImages, 0);
    assert(uptimeSeconds >= 0 && memory.rssBytes > 1e6);
  }));

Deno.test("GET /: shows lines to try, with the server's own address", () =>
  withServer(async ({ origin }) => {
    const text = await (await fetch(`${origin}/`)).text();
    assertStringIncludes(text, `curl -o a.png "${origin}/generate?steps=100"`);
  }));

Deno.test("an unknown path is 404, a wrong method 405 with Allow, both as problems", () =>
  withServer(async ({ origin }) => {
    const cases: [method: string, path: string, status: number, allow: string | null][] = [
      ["GET", "/nowhere", 404, null],
      ["GET", "/jobs/nobody", 404, null],
      ["DELETE", "/jobs/nobody", 404, null],
      ["DELETE", "/generate", 405, "GET, POST"],
      ["POST", "/health", 405, "GET"],
      ["PUT", "/jobs", 405, "GET, POST"],
      ["POST", "/jobs/nobody", 405, "GET, DELETE"],
      ["POST", "/", 405, "GET"],
    ];
    for (const [method, path, status, allow] of cases) {
      const response = await fetch(`${origin}${path}`, { method });
      assertEquals(response.status, status, `${method} ${path}`);
      assertEquals(response.headers.get("allow"), allow);
      assertEquals(response.headers.get("content-type"), "application/problem+json");
      assertEquals((await response.json()).status, status);
    }
  }));

Deno.test("GET /openapi.json: describes every route, and each parameter of /generate with its range", () =>
  withServer(async ({ origin }) => {
    const { openapi, paths } = await (await fetch(`${origin}/openapi.json`)).json();
    assertEquals(openapi, "3.1.0");
    assertEquals(Object.keys(paths).sort(), ["/generate", "/health", "/jobs", "/jobs/{id}"]);
    const parameters = paths["/generate"].get.parameters as { name: string; description: string; schema: object }[];
    assertEquals(
      parameters.map(({ name }) => name).sort(),
      ["eta", "guidance", "label", "n", "sampler", "seed", "spacing", "steps", "variance"],
    );
    for (const { name, description } of parameters) assert(description, `${name} has no description`);
    const n = parameters.find(({ name }) => name === "n")!;
    assertEquals(n.schema, { ...n.schema, type: "integer", minimum: 1, maximum: 64, default: 1 });
  }));
