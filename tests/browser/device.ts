/// <reference lib="dom" />
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Page } from "playwright-core";
import { decodeImage } from "../../formats/decode_image.ts";
import { createQueue } from "../../jobs/queue/queue.ts";
import { openServer } from "../../routes/server.ts";
import { remoteTrainOptions } from "../../training/recipe.ts";
import { DENO_RUN } from "../deno_run.ts";
import { browserTest, drawAgain, finished, saved, SCREENSHOTS, withPage } from "./browser.ts";
import { sharedServer, spawnServer } from "./server.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

/** The PNG of the first image that the page shows. */
const firstPng = async (page: Page): Promise<Uint8Array<ArrayBuffer>> => {
  await page.locator(".stage .tile").first().click();
  const { bytes } = await saved(page, "Save PNG");
  await page.keyboard.press("Escape");
  return bytes;
};

const pngOf = async (origin: string, query: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await (await fetch(`${origin}/generate?${query}`)).arrayBuffer());

const SETTINGS = "seed=7&steps=12&sampler=ddim";

browserTest("Draw on this device: the same bytes as the server on wasm, and on when the server is gone", async () => {
  const server = await spawnServer(0);
  const query = `${SETTINGS}&n=1&model=digits`;
  const expected = await pngOf(server.origin, query);
  let isKilled = false;
  try {
    await withPage(`${server.origin}/#/generate?${query}`, async (page) => {
      const asked: string[] = [];
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await page.getByRole("button", { name: "Draw", exact: true }).waitFor();
      assert(!asked.some((path) => path.endsWith("_worker.js")), "what draws here is loaded before it is wanted");
      await page.getByLabel("Draw on this device").check();
      await page.getByText("WebAssembly SIMD").waitFor();
      await server.kill();
      isKilled = true;
      await page.getByRole("button", { name: "Draw", exact: true }).click();
      assertEquals(await finished(page), "finished, after 12 steps");
      assertMatch((await page.locator("form .wide").innerText()).replaceAll("\n", " "), /\d ms a step/);
      assertEquals((await firstPng(page)).toHex(), expected.toHex());
    });
  } finally {
    if (!isKilled) await server.kill();
  }
});

browserTest(
  "Draw on this device goes on while the page is stopped for want of a viewer, and can be turned off",
  async () => {
    const server = await sharedServer();
    await withPage(`${server.origin}/#/generate?${SETTINGS}&n=8&model=digits`, async (page) => {
      await page.getByLabel("Draw on this device").check();
      await page.getByText("WebAssembly SIMD").waitFor();
      await page.getByRole("button", { name: "Draw", exact: true }).click();
      // Out of sight, as a tab behind another: timers are held back, and the page may be frozen.
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
      await new Promise((resume) => setTimeout(resume, 500));
      await devtools.send("Page.setWebLifecycleState", { state: "active" });
      assertEquals(await finished(page), "finished, after 12 steps");
      await page.getByLabel("Draw on this device").uncheck();
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith("/generate")),
        drawAgain(page),
      ]);
      assertEquals(answer.status(), 200);
      assertEquals(await finished(page), "finished, after 12 steps");
    });
  },
);

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
};

/** Serves a folder below a path as any plain host does: no headers but the type. */
const serveFolder = (folder: string, path: string) =>
  Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
    const { pathname } = new URL(url);
    if (!pathname.startsWith(path)) return new Response(null, { status: 404 });
    const name = pathname.slice(path.length) || "index.html";
    const type = TYPES[name.split(".").at(-1)!] ?? "application/octet-stream";
    return await Deno.readFile(`${folder}/${name}`).then(
      (bytes) => new Response(bytes, { headers: { "content-type": type } }),
      () => new Response(null, { status: 404 }),
    );
  });

/** Builds a site of the digits into a folder of its own, by the program that the task runs. */
const buildSite = async (): Promise<string> => {
  await Deno.mkdir(`${root}runs`, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: `${root}runs`, prefix: "site-" });
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...DENO_RUN,
      "--allow-read=.",
      "--allow-write=runs",
      `--allow-run=${Deno.execPath()}`,
      "web/build.ts",
      ...["--static", folder, "--model", "models/digits"],
    ],
    cwd: root,
    stderr: "piped",
    stdout: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return folder;
};

const openDefault = (folder: string) =>
  openServer({
    models: [`${root}models/digits`],
    engine: "auto",
    host: "127.0.0.1",
    port: 0,
    jobs: createQueue({ folder }),
    trainingOptions: remoteTrainOptions,
  });

/** The largest difference between two pictures' pixels, of 255. */
const difference = async (a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>, extent: number): Promise<number> => {
  const shape = { height: extent, width: extent, channels: 1 };
  const [first, second] = await Promise.all([a, b].map((bytes) => decodeImage(bytes, shape)));
  return Math.max(...first.map((value, i) => Math.abs(value - second[i]) * 127.5));
};

browserTest(
  "a site without a server draws below any path, as the server does, and goes on without a network",
  async () => {
    const folder = await buildSite();
    const host = serveFolder(folder, "/some/where/");
    const query = `${SETTINGS}&n=1`;
    const wasm = await pngOf((await sharedServer()).origin, `${query}&model=digits`);
    const usual = await openDefault(`${folder}-queue`);
    const other = await pngOf(usual.origin, query);
    await usual.close();
    try {
      await withPage(`http://127.0.0.1:${host.addr.port}/some/where/#/generate?${query}`, async (page) => {
        const draw = page.getByRole("button", { name: "Draw", exact: true });
        await draw.click();
        assertEquals(await finished(page), "finished, after 12 steps");
        const png = await firstPng(page);
        assertEquals(png.toHex(), wasm.toHex());
        assert(await difference(png, other, 28) < 1.001);
        await page.locator(".stage .tile").first().click();
        const link = await page.locator("dialog a").first().getAttribute("href");
        assertMatch(link!, /\/some\/where\/#\/generate\?.*seed=7/);
        assertMatch(await page.locator("dialog").innerText(), /curl -o a\.png 'http:\/\/127\.0\.0\.1:8000\/generate\?/);
        await page.keyboard.press("Escape");

        await page.getByText("works offline").waitFor();
        await host.shutdown();
        await page.reload();
        await draw.click();
        assertEquals(await finished(page), "finished, after 12 steps");
        const shown = page.locator("main > div:not([hidden])");
        const goTo = (name: string) => page.getByRole("link", { name, exact: true }).click();
        await goTo("Forward");
        await shown.getByRole("button", { name: /draw one/i }).click();
        await shown.locator(".tile").nth(1).waitFor();
        await goTo("Interpolate");
        await shown.getByRole("button", { name: "Draw", exact: true }).click();
        assertMatch(await finished(page), /^finished/);
        await goTo("Inpaint");
        await shown.getByRole("button", { name: /draw one/i }).click();
        await shown.getByRole("button", { name: "Left" }).click();
        await shown.getByLabel("Steps").fill("5");
        await shown.getByRole("button", { name: "Draw", exact: true }).click();
        assertMatch(await finished(page), /^finished/);
        await goTo("Train");
        await shown.getByText("Training takes a server").waitFor();
        await goTo("Paper");
        await shown.getByRole("heading", { level: 3 }).first().waitFor();
        await shown.locator(".live").first().waitFor();
        await Deno.mkdir(SCREENSHOTS, { recursive: true });
        await page.screenshot({ path: `${SCREENSHOTS}/site.png` });
      });
    } finally {
      await host.shutdown();
      await Deno.remove(folder, { recursive: true });
      await Deno.remove(`${folder}-queue`, { recursive: true }).catch(() => {});
    }
  },
);
