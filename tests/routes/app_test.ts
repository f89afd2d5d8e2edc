import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { withServer } from "./with_server.ts";

Deno.test("GET /health: says that the server lives, what it serves and what is under way", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/health`);
    assertEquals(response.status, 200);
    const { uptimeSeconds, memory, ...health } = await response.json();
    assertEquals(health, { status: "ok", serving: "ready", models: ["tiny-model"], pendingImages: 0 });
    assert(uptimeSeconds >= 0 && memory.rssBytes > 1e6);
  }));

Deno.test("GET /ready: is 200 once the models are warm", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/ready`);
    assertEquals([response.status, await response.json()], [200, { status: "ready" }]);
  }));

Deno.test("GET /models: says what each model is", () =>
  withServer(async ({ origin }) => {
    const [{ engine, ...model }, ...others] = await (await fetch(`${origin}/models`)).json();
    assertEquals([engine.name, others], ["wasm", []]);
    assertEquals(model, {
      name: "tiny-model",
      default: true,
      height: 8,
      width: 8,
      channels: 3,
      timesteps: 100,
      labels: ["red", "green", "blue"],
      guidance: true,
      parameters: 18939,
      prediction: "epsilon",
      schedule: "linear",
      defaults: { sampler: "ddpm", steps: 50, guidance: 1 },
      recommended: {},
      unheeded: [],
      running: 0,
      queued: 0,
      capacity: 8,
      queuedRows: 0,
      queueLimit: 5000,
      added: null,
    });
  }, { capacity: 8, queue: 5000 }));

Deno.test("GET /: shows lines to try, with the server's own address", () =>
  withServer(async ({ origin }) => {
    const text = await (await fetch(`${origin}/`)).text();
    assertStringIncludes(text, `curl -o a.png "${origin}/generate?n=16&scale=14"`);
    assertStringIncludes(text, "tiny-model, 8×8, on wasm: ddpm in 50 steps\n");
  }));

Deno.test("an unknown path is 404, a wrong method 405 with Allow, both as problems with the request's id", () =>
  withServer(async ({ origin }) => {
    const cases: [method: string, path: string, status: number, allow: string | null][] = [
      ["GET", "/nowhere", 404, null],
      ["GET", "/jobs/nobody", 404, null],
      ["POST", "/jobs/nobody/cancel", 404, null],
      ["GET", "/schedules/nothing", 404, null],
      ["GET", "/predictions/nobody", 404, null],
      ["DELETE", "/predictions/nobody", 404, null],
      ["POST", "/predictions/nobody/cancel", 404, null],
      ["GET", "/predictions/nobody/events", 404, null],
      ["GET", "/predictions/nobody/result", 404, null],
      ["DELETE", "/generate", 405, "GET, POST"],
      ["OPTIONS", "/generate", 405, "GET, POST"],
      ["GET", "/inpaint", 405, "POST"],
      ["POST", "/health", 405, "GET"],
      ["PUT", "/jobs", 405, "GET, POST"],
      ["POST", "/jobs/nobody", 405, "GET"],
      ["DELETE", "/jobs/nobody", 405, "GET"],
      ["PATCH", "/predictions/x", 405, "GET, PUT, DELETE"],
      ["POST", "/", 405, "GET"],
    ];
    for (const [method, path, status, allow] of cases) {
      const response = await fetch(`${origin}${path}`, { method });
      assertEquals(response.status, status, `${method} ${path}`);
      assertEquals(response.headers.get("allow"), allow);
      assertEquals(response.headers.get("content-type"), "application/problem+json");
      const problem = await response.json();
      assertEquals([problem.status, problem.requestId], [status, response.headers.get("x-request-id")]);
    }
  }));

Deno.test("a parameter is refused where none is taken", () =>
  withServer(async ({ origin }) => {
    for (const path of ["/health", "/ready", "/models", "/schedules", "/jobs", "/metrics", "/predictions"]) {
      const response = await fetch(`${origin}${path}?page=2`);
      assertEquals([response.status, (await response.json()).errors[0].field], [422, "page"], path);
    }
  }));

Deno.test("answers carry headers that keep browsers careful", () =>
  withServer(async ({ origin }) => {
    for (const path of ["/", "/generate?steps=1", "/nowhere"]) {
      const response = await fetch(`${origin}${path}`);
      await response.body!.cancel();
      const names = ["x-content-type-options", "x-frame-options", "referrer-policy", "cross-origin-resource-policy"];
      assertEquals(names.map((name) => response.headers.get(name)), [
        "nosniff",
        "SAMEORIGIN",
        "no-referrer",
        "same-origin",
      ]);
      assertStringIncludes(response.headers.get("content-security-policy")!, "default-src 'none'");
      assertEquals(response.headers.get("access-control-allow-origin"), null);
    }
  }));

Deno.test("pages of the origins that are named may read answers, others may not", () =>
  withServer(async ({ origin }) => {
    const ask = async (from: string, init: RequestInit = {}) => {
      const response = await fetch(`${origin}/generate?steps=1`, {
        ...init,
        headers: { ...init.headers, origin: from },
      });
      await response.body?.cancel();
      return response;
    };
    const friend = await ask("https://friend.example");
    assertEquals(friend.headers.get("access-control-allow-origin"), "https://friend.example");
    assertEquals(friend.headers.get("access-control-expose-headers"), "*");
    assertEquals((await ask("https://other.example")).headers.get("access-control-allow-origin"), null);

    const preflight = await ask("https://friend.example", {
      method: "OPTIONS",
      headers: { "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });
    assertEquals(preflight.status, 204);
    assertMatch(preflight.headers.get("access-control-allow-methods")!, /\bPOST\b/);
    assertMatch(preflight.headers.get("access-control-allow-headers")!, /\bcontent-type\b/);
  }, { origins: ["https://friend.example"] }));

Deno.test("GET /openapi.json: describes every route, and each parameter of /generate with its range", () =>
  withServer(async ({ origin }) => {
    const { openapi, paths } = await (await fetch(`${origin}/openapi.json`)).json();
    assertEquals(openapi, "3.1.0");
    const described = Object.entries(paths).map(([path, methods]) => `${Object.keys(methods as object)} ${path}`);
    assertEquals(described.sort(), [
      "get /health",
      "get /jobs/{id}",
      "get /jobs/{id}/events",
      "get /jobs/{id}/logs",
      "get /jobs/{id}/metrics",
      "get /jobs/{id}/samples",
      "get /jobs/{id}/samples/{file}",
      "get /metrics",
      "get /models/{name}/files",
      "get /models/{name}/files/{file}",
      "get /predictions",
      "get /predictions/{id}/events",
      "get /predictions/{id}/result",
      "get /ready",
      "get /schedules",
      "get /schedules/{name}",
      "get,delete /models/{name}",
      "get,post /forward",
      "get,post /generate",
      "get,post /jobs",
      "get,post /models",
      "get,put,delete /predictions/{id}",
      "post /img2img",
      "post /inpaint",
      "post /interpolate",
      "post /jobs/{id}/cancel",
      "post /jobs/{id}/resume",
      "post /predictions/{id}/cancel",
      "post /recipe",
      "post /reconstruct",
    ]);
    const parameters = paths["/generate"].get.parameters as {
      name: string;
      in: string;
      description: string;
      schema: object;
    }[];
    assertEquals(
      parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name).sort(),
      [
        "eta",
        "first",
        "format",
        "frames",
        "guidance",
        "label",
        "model",
        "n",
        "resampler",
        "sampler",
        "scale",
        "seed",
        "spacing",
        "steps",
        "timeoutSeconds",
        "variance",
      ],
    );
    for (const { name, description, schema } of parameters) {
      assert(description ?? (schema as { description?: string }).description, `${name} has no description`);
    }
    const n = parameters.find(({ name }) => name === "n")!;
    assertEquals(n.schema, { ...n.schema, type: "integer", minimum: 1, maximum: 64, default: 1 });
  }));
