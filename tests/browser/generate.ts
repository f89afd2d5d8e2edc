/// <reference lib="dom" />
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { decodePng } from "../formats/decode_png.ts";
import { browserTest, finished, grays, pixelsOf, readFilm, saved, withPage } from "./browser.ts";
import { until } from "../routes/with_server.ts";
import { sharedServer } from "./server.ts";

browserTest("Generate: images are seen to denoise, x_t beside the predicted x_0, and nothing jumps", async () => {
  const server = await sharedServer();
  await withPage(`${server.origin}/#/generate?seed=7&n=4&steps=30`, async (page) => {
    const draw = page.getByRole("button", { name: "Draw", exact: true });
    await draw.waitFor();
    await page.evaluate(() => {
      const seen = { wheres: [] as string[], jumps: 0 };
      Object.assign(globalThis, { seen });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) seen.jumps += (entry as unknown as { value: number }).value;
      }).observe({ type: "layout-shift", buffered: false });
      const note = () => {
        const where = document.querySelector(".where")!.textContent!;
        if (where !== seen.wheres.at(-1)) seen.wheres.push(where);
      };
      new MutationObserver(note).observe(document.body, { subtree: true, characterData: true, childList: true });
    });
    await draw.click();
    assertEquals(await finished(page), "finished, after 30 steps");
    const { wheres, jumps } = await page.evaluate(() =>
      (globalThis as unknown as { seen: { wheres: string[]; jumps: number } }).seen
    );
    const steps = wheres.filter((where) => /^t = \d+, step \d+ of 30$/.test(where));
    assert(steps.length > 10, wheres.join("; "));
    assert(jumps < 0.005, `layout shifts of ${jumps}`);

    const film = page.getByRole("slider", { name: "Film" });
    await film.fill("1");
    assertMatch((await page.locator(".where").textContent())!, /^t = \d+, step 2 of 30$/);
    const [x, x0] = [await pixelsOf(page, ".film .tile canvas", 0), await pixelsOf(page, ".film .tile canvas", 4)];
    assertNotEquals(x, x0);
    await film.focus();
    await page.keyboard.press("End");
    assertEquals(await page.locator(".where").textContent(), "finished, after 30 steps");
    assertNotEquals(await pixelsOf(page, ".film .tile canvas", 0), x);
  });
});

browserTest("Generate: an image is taken along by its link, its curl line, as PNG and as film", async () => {
  const server = await sharedServer();
  await withPage(`${server.origin}/#/generate?seed=7&n=4&steps=10`, async (page) => {
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await finished(page);
    const shown = grays(await pixelsOf(page, ".film .tile canvas", 2));
    await page.getByRole("button", { name: "Image 3, class 2" }).click();
    const dialog = page.getByRole("dialog");
    const link = (await dialog.getByRole("link").getAttribute("href"))!;
    const curl = await dialog.locator(".line", { hasText: "curl" }).locator("code").textContent();
    assertEquals(curl, `curl -o a.png '${link}'`);
    assertEquals([...decodePng(await (await fetch(link)).bytes()).data], shown);
    assertEquals(grays(await pixelsOf(page, "dialog canvas")), shown);

    const png = await saved(page, "Save PNG");
    assertEquals(png.name, "digits-7-2.png");
    assertEquals([...decodePng(png.bytes).data], shown);
    const film = await saved(page, "Save film (APNG)");
    assertEquals(film.name, "digits-7-2-film.png");
    const { count, last } = await readFilm(page, film.bytes);
    assertEquals(count, 10);
    assertEquals(grays(last), shown);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });
});

browserTest("Generate: the address holds what was drawn, and draws the same elsewhere", async () => {
  const server = await sharedServer();
  let address = "";
  let first: number[] = [];
  await withPage(`${server.origin}/`, async (page) => {
    await page.getByLabel("Model").selectOption("tiny-model");
    await page.getByLabel("Class").selectOption("blue");
    await page.getByLabel("Steps").fill("8");
    await page.getByLabel("Images").fill("1");
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await finished(page);
    first = await pixelsOf(page, ".film .tile canvas");
    address = page.url();
  });
  assertMatch(address, /#\/generate\?model=tiny-model&label=blue&steps=8&n=1&seed=\d+$/);
  await withPage(address, async (page) => {
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await finished(page);
    assertEquals(await pixelsOf(page, ".film .tile canvas"), first);
  });
});

browserTest(
  "Generate: the fields show what the model's card recommends, and what goes with another sampler",
  async () => {
    const server = await sharedServer();
    const { recommended } = server.models[0];
    await withPage(`${server.origin}/#/generate`, async (page) => {
      const names = ["Sampler", "Steps", "Guidance"];
      const shows = async (expected: readonly (string | undefined)[]) => {
        const shown = () => Promise.all(names.map((name) => page.getByLabel(name, { exact: true }).inputValue()));
        // What follows a choice is there a moment later.
        assertEquals(await until(shown, (values) => values.join() === expected.join(), { seconds: 5 }), expected);
      };
      await page.getByLabel("Steps").waitFor();
      const { sampler, steps, guidance } = recommended!;
      await shows([sampler, String(steps), String(guidance)]);
      await page.getByLabel("Sampler").selectOption("ddim");
      await shows(["ddim", "50", String(guidance)]);
      await page.getByLabel("Sampler").selectOption(sampler!);
      await page.getByLabel("Model").selectOption("tiny-model");
      await shows([sampler, "50", "1"]);
    });
  },
);

browserTest("Generate: what the server refuses is said, at the field and as an alert", async () => {
  const server = await sharedServer();
  await withPage(`${server.origin}/#/generate?steps=5000`, async (page) => {
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await page.getByRole("alert").waitFor();
    assertMatch((await page.getByRole("alert").textContent())!, /steps must be ≤ 1000, received 5000/);
    const steps = page.getByLabel("Steps");
    assertEquals(await steps.getAttribute("aria-invalid"), "true");
    await steps.fill("5");
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await finished(page);
    assertEquals(await page.getByRole("alert").count(), 0);
  }, { expected: /422/ });
});

browserTest("Generate: drawing is stopped, which frees the server", async () => {
  const server = await sharedServer();
  await withPage(`${server.origin}/#/generate?n=64&steps=1000&seed=1`, async (page) => {
    await page.getByRole("button", { name: "Draw", exact: true }).click();
    await page.waitForFunction(() => document.querySelector(".where")!.textContent!.startsWith("t = "));
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Draw", exact: true }).waitFor();
    const pending = async () => (await (await fetch(`${server.origin}/health`)).json()).pendingImages;
    for (let i = 0; i < 100 && await pending() > 0; i++) await new Promise((resume) => setTimeout(resume, 50));
    assertEquals(await pending(), 0);
  });
});

browserTest(
  "Generate: the page opens with a film, which can be held, and draws new images by the model that made it",
  async () => {
    const server = await sharedServer();
    await withPage(`${server.origin}/`, async (page) => {
      const film = page.locator(".opening img");
      await film.waitFor();
      assertMatch((await film.getAttribute("src"))!, /film\.gif/);
      await page.waitForFunction(() => document.querySelector<HTMLImageElement>(".opening img")!.naturalWidth === 172);
      await page.getByRole("button", { name: "Pause" }).click();
      assertMatch((await film.getAttribute("src"))!, /film\.png/);
      await page.getByRole("button", { name: "Play" }).click();
      assertMatch((await film.getAttribute("src"))!, /film\.gif/);
      await page.getByLabel("Steps").fill("4");
      await page.getByRole("button", { name: "Draw new ones" }).click();
      await finished(page);
      assertEquals(await page.locator(".opening").count(), 0);
      // What is finished stands alone, and is seen beside the prediction again where the film goes back.
      assertEquals(await page.locator(".film figure").count(), 1);
      await page.getByRole("slider", { name: "Film" }).fill("1");
      assertEquals(await page.locator(".film figure").count(), 2);
    });
    await withPage(`${server.origin}/`, async (page) => {
      assertMatch((await page.locator(".opening img").getAttribute("src"))!, /film\.png/);
      await page.getByRole("button", { name: "Play" }).waitFor();
    }, { reducedMotion: "reduce" });
    await withPage(`${server.origin}/#/generate?seed=7&n=4`, async (page) => {
      await page.locator(".film").waitFor();
      assertEquals(await page.locator(".opening").count(), 0);
    });
  },
);
