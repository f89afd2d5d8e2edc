import { assert, assertEquals, assertMatch } from "@std/assert";
import { docsRoute } from "../../routes/docs.ts";
import { openapiRoute } from "../../routes/openapi.ts";
import { createFrame } from "../../routes/http/frame.ts";
import { createLog } from "../../routes/http/log.ts";

/** Runs a test against a server that has nothing but the page and an empty description. */
const withDocs = async (test: (get: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>) => {
  const app = createFrame({ log: createLog("off"), origins: [] });
  docsRoute(app);
  openapiRoute(app, { keys: [], serving: { models: [] }, mount: () => {} });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  try {
    await test((path, init) => fetch(`http://127.0.0.1:${server.addr.port}${path}`, init));
  } finally {
    await server.shutdown();
  }
};

Deno.test("GET /docs: a page without inline scripts, styles or anything from elsewhere", () =>
  withDocs(async (get) => {
    const response = await get("/docs");
    assertEquals(response.status, 200);
    assertMatch(response.headers.get("content-type")!, /^text\/html/);
    const policy = response.headers.get("content-security-policy")!;
    assert(policy.includes("default-src 'none'") && policy.includes("script-src 'self'"), policy);
    assert(!/unsafe|https?:|\*/.test(policy), policy);
    const page = await response.text();
    assertEquals(page.match(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|https?:|\/\//g), null);
  }));

Deno.test("GET /docs: everything that the page links to is there, of its type", () =>
  withDocs(async (get) => {
    const page = await (await get("/docs")).text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link);
    assertEquals(links.length, 5);
    const types: Record<string, string> = {
      js: "text/javascript; charset=utf-8",
      css: "text/css; charset=utf-8",
      png: "image/png",
      json: "application/json",
    };
    for (const link of links) {
      const response = await get(new URL(link, "http://localhost/docs").pathname);
      assertEquals(response.status, 200, link);
      assertEquals(response.headers.get("content-type"), types[link.split(".").at(-1)!], link);
      assert((await response.bytes()).length > 100, link);
    }
  }));

Deno.test("GET /docs: the script that starts the page finds what the script before it defines", () =>
  withDocs(async (get) => {
    const start = await (await get("/docs/start.js")).text();
    const bundle = await (await get("/docs/swagger-ui.js")).text();
    assertMatch(start, /^SwaggerUIBundle\(/m);
    assert(bundle.includes("SwaggerUIBundle"));
  }));

Deno.test("/docs: other methods are 405, other files 404, as problems", () =>
  withDocs(async (get) => {
    const posted = await get("/docs", { method: "POST" });
    assertEquals([posted.status, posted.headers.get("allow")], [405, "GET"]);
    await posted.body?.cancel();
    const missing = await get("/docs/swagger-ui.js.map");
    await missing.body?.cancel();
    assertEquals([missing.status, missing.headers.get("content-type")], [404, "application/problem+json"]);
  }));
