import { OpenAPIHono } from "@hono/zod-openapi";
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { createStartingApp } from "../../routes/app.ts";
import { createFrame } from "../../routes/http/frame.ts";
import { createLog } from "../../routes/http/log.ts";
import { pageFiles } from "../../routes/page.ts";
import { withServer } from "./with_server.ts";

const asBrowser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

type Get = (path: string, headers?: Record<string, string>, method?: string) => Promise<Response>;

/** Runs a test against an application on a free port. */
const withApp = async (app: { fetch: Deno.ServeHandler<Deno.NetAddr> }, test: (get: Get) => Promise<void>) => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  try {
    await test((path, headers = {}, method = "GET") =>
      fetch(`http://127.0.0.1:${server.addr.port}${path}`, { method, headers })
    );
  } finally {
    await server.shutdown();
  }
};

const withFiles = (test: (get: Get) => Promise<void>) => {
  const app = createFrame({ log: createLog("off"), origins: [] });
  pageFiles(app);
  return withApp(app, test);
};

Deno.test("GET /: is the page for browsers and text for curl, and says that it depends on Accept", () =>
  withServer(async ({ origin }) => {
    const page = await fetch(`${origin}/`, { headers: asBrowser });
    assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    assertStringIncludes(page.headers.get("vary")!, "accept");
    assertMatch(await page.text(), /^<!doctype html>/i);
    for (const accept of ["*/*", "text/plain"]) {
      const text = await fetch(`${origin}/`, { headers: { accept } });
      assertMatch(text.headers.get("content-type")!, /^text\/plain/);
      assertStringIncludes(text.headers.get("vary")!, "accept");
      assertMatch(await text.text(), /^denoise:\n {2}tiny-model/);
    }
  }));

Deno.test("GET /: the page has no inline scripts or styles and takes nothing from elsewhere", () =>
  withServer(async ({ origin }) => {
    const response = await fetch(`${origin}/`, { headers: asBrowser });
    const policy = response.headers.get("content-security-policy")!;
    assert(policy.includes("default-src 'none'") && policy.includes("script-src 'self'"), policy);
    assert(!/unsafe|https?:|\*/.test(policy), policy);
    const page = await response.text();
    assertEquals(page.match(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|https?:|"\/\//g), null);
    const links = [...page.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, link]) => link);
    assertEquals(links.length, 3);
    for (const link of links) {
      const file = await fetch(`${origin}/${link}`);
      assertEquals(file.status, 200, link);
      assertMatch(file.headers.get("cache-control")!, /immutable/, link);
      assert((await file.bytes()).length > 100, link);
    }
  }));

const UNPACK: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  identity: (bytes) => bytes,
  gzip: gunzipSync,
  br: brotliDecompressSync,
};

Deno.test("GET /page/app.js: is packed as the client says, and the same whichever way", async () => {
  const app = new OpenAPIHono();
  pageFiles(app);
  const sizes: number[] = [];
  const texts = new Set<string>();
  const cases = [[null, "identity"], ["gzip, deflate", "gzip"], ["gzip, deflate, br, zstd", "br"], [
    "br;q=0, gzip",
    "gzip",
  ]];
  for (const [accepted, expected] of cases) {
    const headers: Record<string, string> = accepted === null ? {} : { "accept-encoding": accepted };
    const response = await app.request("/page/app.js", { headers });
    assertEquals(response.headers.get("content-type"), "text/javascript; charset=utf-8");
    assertEquals(response.headers.get("vary"), "accept-encoding");
    assertEquals(response.headers.get("content-encoding") ?? "identity", expected);
    const bytes = await response.bytes();
    sizes.push(bytes.length);
    texts.add(new TextDecoder().decode(UNPACK[expected!](bytes)));
  }
  assertEquals(texts.size, 1);
  assertEquals(sizes[1], sizes[3]);
  assert(sizes[0] > 2 * sizes[1] && sizes[1] > sizes[2], String(sizes));
});

Deno.test("GET /page/app.css: is kept for good by its mark, asked about without, and 304 where it is the same", () =>
  withFiles(async (get) => {
    const plain = await get("/page/app.css");
    await plain.body?.cancel();
    assertEquals(plain.headers.get("cache-control"), "no-cache");
    const tag = plain.headers.get("etag")!;
    const same = await get("/page/app.css", { "if-none-match": `"other", W/${tag}` });
    assertEquals([same.status, await same.text()], [304, ""]);
    const any = await get("/page/app.css", { "if-none-match": "*" });
    assertEquals([any.status, any.headers.get("etag"), await any.text()], [304, tag, ""]);
    const other = await get("/page/app.css", { "if-none-match": '"other"' });
    assertNotEquals((await other.text()).length, 0);
    assertEquals(other.status, 200);
    const wrong = await get("/page/app.css?v=000000000000");
    await wrong.body?.cancel();
    assertEquals(wrong.headers.get("cache-control"), "no-cache");
  }));

Deno.test("GET /page/app.css: If-Match is met by the tag itself or *, else 412, whatever If-None-Match says", () =>
  withFiles(async (get) => {
    const statusOf = async (headers: Record<string, string>, method = "GET") => {
      const response = await get("/page/app.css", headers, method);
      await response.body?.cancel();
      return response.status;
    };
    const tag = (await get("/page/app.css", {}, "HEAD")).headers.get("etag")!;
    assertEquals(await statusOf({ "if-match": `"other", ${tag}` }), 200);
    assertEquals(await statusOf({ "if-match": "*" }), 200);
    assertEquals(await statusOf({ "if-match": tag, "if-none-match": tag }), 304);
    assertEquals(await statusOf({ "if-match": '"other"' }), 412);
    assertEquals(await statusOf({ "if-match": '"other"' }, "HEAD"), 412);
    assertEquals(await statusOf({ "if-match": `W/${tag}` }), 412);
    assertEquals(await statusOf({ "if-match": '"other"', "if-none-match": tag }), 412);
  }));

Deno.test("/page/…: other methods are 405, other files 404, as problems", () =>
  withFiles(async (get) => {
    const posted = await get("/page/app.js", {}, "POST");
    await posted.body?.cancel();
    assertEquals([posted.status, posted.headers.get("allow")], [405, "GET"]);
    for (
      const path of [
        "/page/",
        "/page/index.html",
        "/page/..%2f..%2fdeno.json",
        "/page/app.js.map",
        "/page/figures/none.svg",
        "/page/figures/README.md",
      ]
    ) {
      const missing = await get(path);
      await missing.body?.cancel();
      assertEquals([missing.status, missing.headers.get("content-type")], [404, "application/problem+json"], path);
    }
  }));

Deno.test("GET /page/paper.html: the guided reading's pictures are there, and it holds no style or script", () =>
  withFiles(async (get) => {
    const text = await (await get("/page/paper.html")).text();
    assertEquals(text.match(/<script|<style|\son\w+=|\sstyle=/g), null);
    assertMatch(text, /<math/);
    const pictures = [...text.matchAll(/src="([^"]+)"/g)].map(([, source]) => source);
    assert(pictures.length >= 5, String(pictures));
    for (const picture of pictures) {
      const response = await get(`/${picture}`);
      assertEquals([response.status, response.headers.get("content-type")], [200, "image/svg+xml"], picture);
      await response.body?.cancel();
    }
  }));

Deno.test("the page is there while the models are being loaded; the rest is 503", () =>
  withApp(createStartingApp({ log: createLog("off"), origins: [] }), async (get) => {
    const page = await get("/", asBrowser);
    await page.body?.cancel();
    const script = await get("/page/app.js");
    await script.body?.cancel();
    const text = await get("/");
    await text.body?.cancel();
    const models = await get("/models");
    await models.body?.cancel();
    assertEquals([page.status, script.status, text.status, models.status], [200, 200, 503, 503]);
  }));
