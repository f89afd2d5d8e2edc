/// <reference lib="dom" />
import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Page } from "playwright-core";
import pixelmatch from "pixelmatch";
import { encodePng } from "../../formats/png.ts";
import { decodePng } from "../formats/decode_png.ts";
import { browserTest, SCREENSHOTS, withPage } from "./browser.ts";
import { openTestServer } from "./server.ts";

/**
 * What each tab looked like when somebody last looked at it. They are taken anew, to be looked at and committed, by
 *
 *     DENOISE_BASELINES=new deno task test-browser --filter baseline
 */
const BASELINES = fromFileUrl(new URL("../fixtures/baselines/", import.meta.url));
const isRenewed = Deno.env.get("DENOISE_BASELINES") === "new";

const waitForExample = async (page: Page): Promise<void> => {
  await page.locator(".where:visible").filter({ hasText: "finished" }).waitFor({ timeout: 60_000 });
};

/** When each tab stands still. */
const TABS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  generate: async (page) => {
    await page.getByRole("button", { name: /^Draw/ }).first().waitFor();
  },
  try: async (page) => {
    await page.getByText("50 of 50").waitFor();
    await page.locator(".figure-form").scrollIntoViewIfNeeded();
    await waitForExample(page);
    await page.evaluate(() => scrollTo(0, 0));
  },
  forward: async (page) => {
    await page.locator(".u-over").waitFor();
  },
  interpolate: waitForExample,
  inpaint: waitForExample,
  train: async (page) => {
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
    await page.getByText("Asking …").waitFor({ state: "hidden" });
  },
  paper: async (page) => {
    await page.locator(".text img").first().evaluate((image: HTMLImageElement) => image.decode());
  },
};

const VIEWS = {
  "desk-light": { viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  "phone-light": { viewport: { width: 390, height: 844 }, colorScheme: "light" },
  "desk-dark": { viewport: { width: 1440, height: 900 }, colorScheme: "dark" },
} as const;

/** Each tab on a desk and on a phone, light; one of them dark. */
const PICTURES = Object.keys(TABS).flatMap((tab) =>
  (Object.keys(VIEWS) as (keyof typeof VIEWS)[]).filter((view) => view !== "desk-dark" || tab === "forward")
    .map((view) => ({ tab, view }))
);

/** One pixel is so many of the screen's, each way: outlines of letters, which differ between browsers, blur away. */
const SCALE = 3;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** One byte a pixel. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A screenshot in gray, made smaller by the means of squares of pixels. */
const reduced = (png: Uint8Array): Picture => {
  const { data, width, height, channels } = decodePng(png);
  const [w, h] = [Math.floor(width / SCALE), Math.floor(height / SCALE)];
  const small = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let i = 0; i < SCALE * SCALE; i++) {
        const at = ((y * SCALE + Math.floor(i / SCALE)) * width + x * SCALE + i % SCALE) * channels;
        sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      }
      small[y * w + x] = Math.round(sum / (SCALE * SCALE));
    }
  }
  return { width: w, height: h, data: small };
};

const toRgba = ({ data }: Picture): Uint8Array =>
  Uint8Array.from({ length: data.length * 4 }, (_, i) => i % 4 === 3 ? 255 : data[i >> 2]);

/** Pixels of a square of the picture, each way, and the most of them that may differ in any such square. */
const WINDOW = 24;
const MOST = 0.12;

/** The share of pixels that differ where the most of them do: a square of {@link WINDOW} pixels. */
const difference = (a: Picture, b: Picture): number =>
  pixelmatch(toRgba(a), toRgba(b), null, a.width, a.height, { threshold: 0.1, includeAA: true, windowSize: WINDOW }) /
  WINDOW ** 2;

/** Adds a rule to the page, in the place of what stood at `index`; its policy forbids elements of style. */
const setStyle = (page: Page, index: number, rule: string): Promise<void> =>
  page.evaluate(({ index, rule }) => {
    const sheet = document.adoptedStyleSheets[index] ?? new CSSStyleSheet();
    sheet.replaceSync(rule);
    document.adoptedStyleSheets[index] = sheet;
  }, { index, rule });

/** A picture of a tab as it opens, with nothing on it that moves or depends on the time. */
const takePicture = async (page: Page): Promise<Picture> => {
  await page.evaluate(() => document.fonts.ready);
  await setStyle(page, 0, ".status { visibility: hidden }");
  // What is drawn by the frame is there after the next one.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return reduced(await page.screenshot({ animations: "disabled", caret: "hide" }));
};

browserTest("baseline: every tab looks as it did, and a block that moves or a picture that lacks is seen", async () => {
  // A server of its own: no other test has left jobs or queued images there.
  await using server = await openTestServer();
  const changed: string[] = [];
  for (const { tab, view } of PICTURES) {
    const name = `${tab}-${view}.png`;
    await withPage(`${server.origin}/#/${tab}`, async (page) => {
      await TABS[tab](page);
      const now = await takePicture(page);
      const png = encodePng({ ...now, channels: 1 }, { level: 9 });
      if (isRenewed) {
        await Deno.mkdir(BASELINES, { recursive: true });
        return await Deno.writeFile(`${BASELINES}/${name}`, png);
      }
      const before = decodePng(await Deno.readFile(`${BASELINES}/${name}`)) as Picture;
      const share = difference(before, now);
      if (share > MOST) {
        await Deno.mkdir(SCREENSHOTS, { recursive: true });
        await Deno.writeFile(`${SCREENSHOTS}/changed-${name}`, png);
        changed.push(`${name}: ${Math.round(share * 100)} % of a place differ`);
      }
      if (tab !== "forward") return;
      for (
        const rule of [
          ".strip { translate: 0 12px }",
          ".forward canvas { visibility: hidden }",
          ".top { display: none }",
        ]
      ) {
        await setStyle(page, 1, rule);
        const other = difference(now, await takePicture(page));
        assert(other > MOST, `${name}, ${rule}: ${other}`);
        await setStyle(page, 1, "");
      }
    }, { ...VIEWS[view], reducedMotion: "reduce" });
  }
  assert(
    changed.length === 0,
    `${
      changed.join("\n")
    }\n\nLook at runs/screenshots/changed-*.png beside tests/fixtures/baselines/; if it is meant: ` +
      "DENOISE_BASELINES=new deno task test-browser --filter baseline",
  );
});
