/// <reference lib="dom" />
import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { browserTest, drawAgain, finished, SCREENSHOTS, withPage } from "./browser.ts";
import { sharedServer } from "./server.ts";

const draw = async (page: Page) => {
  await drawAgain(page);
  await finished(page);
};

/** What each tab is like once it has been used. */
const TABS: Record<string, (page: Page) => Promise<void>> = {
  "generate?model=emoji&n=20&steps=12&sampler=dpmsolver%2B%2B&seed=7": draw,
  "try": async (page) => {
    await page.getByText("50 of 50").waitFor();
    await page.locator(".live .u-over").nth(2).waitFor();
  },
  "forward": async (page) => {
    await page.locator(".u-over").waitFor();
  },
  "interpolate?model=emoji&steps=8&label=Flags&seed=1": draw,
  "inpaint?steps=5&times=1&seed=2": async (page) => {
    await page.locator(".brush").waitFor();
    await page.getByRole("button", { name: "Right" }).click();
    await draw(page);
  },
  "paper": async (page) => {
    await page.locator(".live .u-over").nth(2).waitFor();
    await page.locator(".cloud").first().waitFor();
  },
  "train": async (page) => {
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
  },
};

const SCREENS = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

/** What axe finds that is serious, in words. */
export const findings = async (page: Page): Promise<string[]> => {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    })
  );
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
};

/** How far the page can be scrolled sideways, which nobody should have to. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What stands in a list to choose from and is wider than the list has room for; a phone shows a list over it all. */
const cutChoices = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll("select")].filter((select) => select.checkVisibility()).flatMap((select) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(select);
      const room = select.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
      const probe = document.body.appendChild(document.createElement("span"));
      Object.assign(probe.style, { position: "absolute", whiteSpace: "pre", font });
      const isCut = (text: string) => {
        probe.textContent = text;
        return probe.getBoundingClientRect().width > room;
      };
      const cut = [...select.options].map(({ text }) => text).filter(isCut);
      probe.remove();
      return cut;
    })
  );

for (const [address, use] of Object.entries(TABS)) {
  const tab = address.split("?")[0];
  browserTest(
    `${tab}: axe finds nothing serious, light and dark, on a desk and on a phone, and nothing sticks out`,
    async () => {
      const { origin } = await sharedServer();
      await Deno.mkdir(SCREENSHOTS, { recursive: true });
      await withPage(`${origin}/#/${address}`, async (page) => {
        await use(page);
        for (const [screen, size] of Object.entries(SCREENS)) {
          await page.setViewportSize(size);
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
            await page.waitForTimeout(50);
            const path = `${SCREENSHOTS}/${tab}-${screen}-${colorScheme}.png`;
            await page.screenshot({ path, fullPage: true });
            assertEquals(await findings(page), [], `${screen}, ${colorScheme}`);
            assert(await overflow(page) <= 0, `${screen}, ${colorScheme}`);
          }
          if (screen === "desktop") assertEquals(await cutChoices(page), []);
        }
        // The samples of a job whose run a test before has removed are 404.
      }, { expected: /404/ });
    },
  );
}

browserTest(
  "the page is used with keys alone: to a tab, to a field, drawn, an image opened and closed again",
  async () => {
    const { origin } = await sharedServer();
    await withPage(`${origin}/#/forward`, async (page) => {
      const focused = () =>
        page.evaluate(() => {
          const element = document.activeElement as HTMLElement;
          return element.getAttribute("aria-label") ?? (element as HTMLInputElement).labels?.[0]?.textContent ??
            element.textContent;
        });
      const tabTo = async (name: RegExp) => {
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press("Tab");
          if (name.test((await focused()) ?? "")) return;
        }
        throw new Error(`there is no way to ${name}`);
      };
      await page.locator(".u-over").waitFor();
      await page.keyboard.press("Tab");
      assertEquals(await focused(), "Skip to Forward");
      await tabTo(/^Generate$/);
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Draw", exact: true }).waitFor();
      await tabTo(/^Steps/);
      await page.keyboard.type("6");
      await tabTo(/^Images/);
      await page.keyboard.type("2");
      await page.keyboard.press("Enter");
      await finished(page);
      await tabTo(/^Image 2, class 1$/);
      const ring = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineWidth);
      assert(Number.parseFloat(ring) >= 2, ring);
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await tabTo(/^Save PNG$/);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      assertEquals(await focused(), "Image 2, class 1");
    });
  },
);

browserTest("dark and light can be chosen, and stay chosen", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/`, async (page) => {
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    assertEquals(await theme(), "light");
    await page.getByRole("button", { name: "Show it dark" }).click();
    assertEquals(await theme(), "dark");
    await page.reload();
    assertEquals(await theme(), "dark");
    await page.getByRole("button", { name: "Show it light" }).click();
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  });
});

browserTest("what a server says is text, never markup", async () => {
  const { origin } = await sharedServer();
  const hostile = `<img src=x onerror="document.title='owned'"><b>&amp;`;
  const [model] = await (await fetch(`${origin}/models`)).json();
  const hostileModel = { ...model, name: hostile, labels: [hostile] };
  await withPage(`${origin}/`, async (page) => {
    await page.route("**/models", (route) => route.fulfill({ json: [hostileModel] }));
    await page.route("**/generate", (route) =>
      route.fulfill({
        status: 422,
        json: { status: 422, detail: hostile, errors: [{ field: "steps", received: 1, allowed: hostile }] },
      }));
    await page.reload();
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assertEquals(await alert.textContent(), hostile);
    assertEquals(await page.getByLabel("Model").locator("option").textContent(), hostile);
    assertEquals(await page.locator("img, b").count(), 0);
    assertEquals(await page.title(), "Generate · denoise");
  }, { expected: /422/ });
});
