/// <reference lib="dom" />
import { gzipSync } from "node:zlib";
import { type CDPSession, chromium, type Page } from "playwright-core";
import { median } from "./median.ts";
import { startServer } from "./start_program.ts";

const EXECUTABLE = "/usr/bin/chromium";
const LOADS = 9;
const IMAGES = 64;

/** Milliseconds from the navigation's start until the page can be used: its fields are there, with the server's models. */
const load = async (page: Page, origin: string): Promise<number> => {
  await page.goto(`${origin}/`);
  await page.getByRole("button", { name: "Draw" }).waitFor();
  return await page.evaluate(() => performance.now());
};

/** Frames a second of a page that does nothing: what the machine has to give now. */
const rest = (page: Page): Promise<number> =>
  page.evaluate(() =>
    new Promise((resolve) => {
      const started = performance.now();
      let frames = 0;
      const look = (now: number) => {
        frames++;
        if (now - started < 3000) return requestAnimationFrame(look);
        resolve(Math.round(1000 * frames / (now - started)));
      };
      requestAnimationFrame(look);
    })
  );

/** Seconds of a processor that the page's own thread has had. */
const busySeconds = async (session: CDPSession): Promise<number> => {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")!.value;
};

/** How smoothly the page moves while images are drawn: what `requestAnimationFrame` sees of it. */
const follow = async (page: Page, origin: string) => {
  await page.goto(`${origin}/#/generate?n=${IMAGES}&steps=60&seed=7`);
  await page.getByRole("button", { name: "Draw" }).click();
  await page.waitForFunction(() => document.querySelector(".where")!.textContent!.startsWith("t = "));
  return await page.evaluate(() =>
    new Promise<{ seconds: number; frames: number; longest: number; pictures: number }>((resolve) => {
      const where = document.querySelector(".where")!;
      const started = performance.now();
      let [last, frames, longest, pictures, said] = [started, 0, 0, 0, where.textContent];
      const look = (now: number) => {
        frames++;
        longest = Math.max(longest, now - last);
        last = now;
        if (where.textContent !== said) pictures++;
        said = where.textContent;
        if (!said!.startsWith("finished")) return requestAnimationFrame(look);
        resolve({ seconds: (now - started) / 1000, frames, longest, pictures });
      };
      requestAnimationFrame(look);
    })
  );
};

const server = await startServer(["--model=models/digits"]);
const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"], headless: true });
try {
  const sizes = await Promise.all(["app.js", "app.css"].map((name) => Deno.readFile(`web/dist/${name}`)));
  const times: number[] = [];
  for (let i = 0; i < LOADS; i++) {
    const context = await browser.newContext();
    times.push(await load(await context.newPage(), server.origin));
    await context.close();
  }
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${server.origin}/`);
  const framesAtRest = await rest(page);
  const before = await busySeconds(session);
  const { seconds, frames, longest, pictures } = await follow(page, server.origin);
  const busy = await busySeconds(session) - before;
  console.log(JSON.stringify({
    browser: browser.version(),
    gzippedBytes: sizes.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0),
    readyMilliseconds: { median: Math.round(median(times)), most: Math.round(Math.max(...times)) },
    live: {
      images: IMAGES,
      seconds: Number(seconds.toFixed(1)),
      framesPerSecond: Math.round(frames / seconds),
      framesPerSecondAtRest: framesAtRest,
      picturesPerSecond: Number((pictures / seconds).toFixed(1)),
      longestGapMilliseconds: Math.round(longest),
      processorMillisecondsAPicture: Math.round(1000 * busy / pictures),
    },
  }));
} finally {
  await browser.close();
  await server.close();
}
