/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const executablePath = Deno.env.get("CHROMIUM_PATH") ?? "/usr/bin/chromium";

/** Where screenshots are left to look at. */
export const SCREENSHOTS = fromFileUrl(new URL("../../runs/screenshots/", import.meta.url));

const reason = await Deno.stat(executablePath).then(() => null, () => `${executablePath} is missing`);

let browser: Promise<Browser> | null = null;
const launch = (): Promise<Browser> =>
  browser ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"], headless: true });

/** A test in Chromium; where there is none, it is skipped with the reason, except in CI. */
export const browserTest = (name: string, fn: () => Promise<void>): void => {
  const isSkipped = reason !== null && !Deno.env.get("CI");
  Deno.test({
    name: isSkipped ? `${name} (skipped: ${reason})` : name,
    ignore: isSkipped,
    // The browser outlives the test that it was started in.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      assertEquals(reason, null);
      await fn();
    },
  });
};

Deno.test.afterAll(async () => {
  await (await browser)?.close();
});

/** What a page may not do unless a test says that it will. */
export interface PageOptions extends BrowserContextOptions {
  /** What the console may say: an answer that is an error is noted there. */
  readonly expected?: RegExp;
}

/**
 * Opens a page of the server's. It fails where a script throws, the content security policy is broken, or anything is
 * asked of another host.
 */
export const withPage = async (
  url: string,
  test: (page: Page) => Promise<void>,
  { expected = /^$/, ...options }: PageOptions = {},
): Promise<void> => {
  const context = await (await launch()).newContext({
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !expected.test(message.text())) wrong.push(message.text());
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && origin !== new URL(url).origin) wrong.push(`asked for ${request.url()}`);
  });
  try {
    await page.goto(url);
    await test(page);
    assertEquals(wrong, []);
  } catch (error) {
    await Deno.mkdir(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: `${SCREENSHOTS}/failed.png` }).catch(() => {});
    if (wrong.length > 0) console.error("the page's console:", wrong.join("\n"));
    throw error;
  } finally {
    await context.close();
  }
};

/** The pixels of a canvas or an image that is shown, RGBA. */
export const pixelsOf = (page: Page, selector: string, index = 0): Promise<number[]> =>
  page.locator(selector).nth(index).evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(width, height);
    const context = copy.getContext("2d")!;
    context.drawImage(element as HTMLCanvasElement, 0, 0);
    return [...context.getImageData(0, 0, width, height).data];
  });

/** The value of one channel, which is all there is to a gray image. */
export const grays = (rgba: readonly number[]): number[] => rgba.filter((_, i) => i % 4 === 0);

/** Draws anew where something has been drawn before: waits until that has begun. */
export const drawAgain = async (page: Page): Promise<void> => {
  const begun = page.evaluate(() =>
    new Promise<void>((resolve) => {
      const observer = new MutationObserver(() => {
        const bars = [...document.querySelectorAll<HTMLElement>(".draw-bar")].filter((bar) => bar.checkVisibility());
        if (!bars.some((bar) => bar.textContent!.startsWith("Stop"))) return;
        observer.disconnect();
        resolve();
      });
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    })
  );
  await page.getByRole("button", { name: "Draw", exact: true }).click();
  await begun;
};

/** Waits until what is drawn is finished, and gives what the page says of it. */
export const finished = async (page: Page): Promise<string> => {
  const text = await page.waitForFunction(
    () => {
      const shown = [...document.querySelectorAll<HTMLElement>(".draw-bar, .where")].filter((own) =>
        own.checkVisibility()
      );
      const [bar, where] = shown.map((own) => own.textContent!);
      return where?.startsWith("finished") && !bar.startsWith("Stop") ? where : null;
    },
    null,
    { timeout: 60_000 },
  );
  return (await text.jsonValue())!;
};

/** Presses a button that saves a file, and gives the file. */
export const saved = async (page: Page, button: string): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> => {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  return { name: download.suggestedFilename(), bytes: await Deno.readFile(await download.path()) };
};

/** A film as the browser reads it: how many pictures, and the last one's extent and pixels, RGBA. */
export const readFilm = (
  page: Page,
  film: Uint8Array<ArrayBuffer>,
): Promise<{ count: number; width: number; height: number; last: number[] }> =>
  page.evaluate(async (bytes) => {
    const decoder = new ImageDecoder({ data: new Uint8Array(bytes), type: "image/png" });
    await Promise.all([decoder.completed, decoder.tracks.ready]);
    const count = decoder.tracks.selectedTrack!.frameCount;
    const { image } = await decoder.decode({ frameIndex: count - 1 });
    const { displayWidth: width, displayHeight: height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    return { count, width, height, last: [...context.getImageData(0, 0, width, height).data] };
  }, [...film]);

/** A square cut out of a picture, RGBA. */
export const cut = (
  { width, last }: { readonly width: number; readonly last: readonly number[] },
  x: number,
  y: number,
  size: number,
): number[] =>
  Array.from({ length: size }, (_, row) => {
    const from = ((y + row) * width + x) * 4;
    return last.slice(from, from + size * 4);
  }).flat();
