/// <reference lib="dom" />
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { browserTest, drawAgain, finished, pixelsOf, withPage } from "./browser.ts";
import { sharedServer } from "./server.ts";

browserTest("Paper: the text is there with its equations and pictures, and a link leads to a section", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/paper`, async (page) => {
    await page.getByRole("heading", { name: /^2\. Forward/ }).waitFor();
    assert(await page.locator(".text math[display=block]").count() >= 10);
    const [width, height] = await page.locator(".text math[display=block]").first().evaluate((math) => {
      const { width, height } = math.getBoundingClientRect();
      return [width, height];
    });
    assert(width > 150 && height > 15, `${width}×${height}`);
    const images = page.locator(".picture img");
    for (let i = 0; i < await images.count(); i++) {
      await images.nth(i).scrollIntoViewIfNeeded();
      await images.nth(i).evaluate((image: HTMLImageElement) => image.decode());
    }
    await page.locator(".sections").getByRole("link", { name: /^13\./ }).click();
    assertMatch(page.url(), /#\/paper\?at=13-algorithm-2-sampling$/);
    assert(await page.getByRole("heading", { name: /^13\./ }).evaluate((h) => h === document.activeElement));
  });
});

browserTest("Paper: the figures live: the browser's core draws them, and the server's model", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/paper`, async (page) => {
    const live = (name: RegExp) => page.getByRole("region", { name });
    const forward = live(/eq\. 4/);
    const before = await pixelsOf(page, ".equation-of-images canvas");
    await forward.getByRole("slider").fill("900");
    assertNotEquals(await pixelsOf(page, ".equation-of-images canvas"), before);

    const samplers = live(/the samplers/);
    await samplers.getByText("50 of 50").waitFor();
    const arrived = await pixelsOf(page, ".cloud");
    await samplers.getByRole("radio", { name: "heun" }).check();
    await samplers.getByRole("slider", { name: /^steps in all/ }).fill("10");
    // Heun asks the network twice a step, but for the last.
    await samplers.getByText("19 of 19").waitFor();
    assertNotEquals(await pixelsOf(page, ".cloud"), arrived);

    await live(/Bayes/).getByRole("slider", { name: /^t of 20/ }).fill("2");
    await live(/Bayes/).getByText(/of mean 0\.\d+ and variance 0\.0\d+/).waitFor();
    await live(/Algorithm 2/).scrollIntoViewIfNeeded();
    assertEquals(await finished(page), "finished, after 12 steps");
    await drawAgain(page);
    assertEquals(await finished(page), "finished, after 50 steps");
  });
});

browserTest("Paper: every block of code runs where it is, can be changed, and says what came of it", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/paper`, async (page) => {
    await page.locator(".code").first().waitFor();
    const blocks = await page.locator(".code").all();
    assert(blocks.length > 12, `${blocks.length} blocks`);
    for (const block of blocks) {
      await block.getByText("In code").click();
      await block.getByRole("button", { name: "Run" }).click();
      assertMatch((await block.locator(".held, .wrong").textContent())!, /^It ran to its end; .* held\.$/);
      assertEquals(await block.locator("textarea").evaluate((area) => area.scrollWidth <= area.clientWidth), true);
    }
    const [, block] = blocks;
    const [code, run] = [block.locator("textarea"), block.getByRole("button", { name: "Run" })];
    const before = await code.inputValue();
    await code.fill(before.replace("0.2803", "0.5"));
    await run.click();
    await block.getByText(/to be close to "5e-1"/).waitFor();
    await code.fill("console.log(new Float32Array(2), 'two');\nthrow new Error('on purpose');");
    await run.click();
    await block.getByText("line 2: Error: on purpose").waitFor();
    assertEquals(await block.locator(".printed").textContent(), "[0, 0] two");
    await code.fill("while (true);");
    await run.click();
    await block.getByRole("button", { name: "Stop" }).click();
    await block.getByText("Stopped.").waitFor();
    await block.getByRole("button", { name: "Undo all changes" }).click();
    assertEquals(await code.inputValue(), before);
  });
});

browserTest("Try it: every figure is there with a sentence, and leads to its section of the reading", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/try`, async (page) => {
    const figures = page.locator(".gallery .live");
    assertEquals(await figures.count(), 6);
    const links = page.locator(".gallery .sentence a");
    assertEquals(await links.count(), 6);
    const ids = await links.evaluateAll((all) =>
      all.map((a) => new URLSearchParams((a as HTMLAnchorElement).hash.split("?")[1]).get("at")!)
    );
    for (const [i, id] of ids.entries()) {
      await links.nth(i).click();
      const heading = page.locator(`h3[id="${id}"]`);
      await heading.waitFor();
      await page.waitForFunction((id) => {
        const { top } = document.getElementById(id)!.getBoundingClientRect();
        return document.activeElement?.id === id && top >= 0 && top < innerHeight / 2;
      }, id);
      await page.getByRole("link", { name: "Try it" }).click();
    }
  });
});

browserTest("every tab can be reached on narrow phones, and its pictures come before its controls", async () => {
  const { origin } = await sharedServer();
  for (const width of [390, 320]) {
    await withPage(`${origin}/#/forward`, async (page) => {
      const links = page.locator("nav[aria-label=Tabs] a");
      for (let i = 0; i < await links.count(); i++) {
        const { x, width: own } = (await links.nth(i).boundingBox())!;
        assert(x >= 0 && x + own <= width, `${await links.nth(i).textContent()}: ${x} … ${x + own} of ${width}`);
      }
      for (const name of ["Forward", "Interpolate", "Inpaint"]) {
        await links.filter({ hasText: name }).click();
        const canvas = (await page.locator(".stage canvas:visible").first().boundingBox())!;
        const controls = (await page.locator(".controls:visible").boundingBox())!;
        assert(canvas.y < controls.y, `${name}: ${canvas.y}, ${controls.y}`);
      }
    }, { viewport: { width, height: 844 } });
  }
});
