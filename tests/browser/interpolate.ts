import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { decodePng } from "../formats/decode_png.ts";
import { browserTest, cut, drawAgain, finished, grays, pixelsOf, readFilm, saved, withPage } from "./browser.ts";
import { sharedServer } from "./server.ts";

browserTest("Interpolate: between two seeds, λ goes from one image to the other", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/interpolate?steps=8&label=3&seed=1&a=1&b=2`, async (page) => {
    assertEquals(await finished(page), "finished, after 8 steps");
    await page.getByText("An example, in few steps").waitFor();
    await drawAgain(page);
    await finished(page);
    const slider = page.getByRole("slider", { name: /^λ/ });
    await slider.focus();
    await page.keyboard.press("Home");
    assertEquals(await slider.getAttribute("aria-valuetext"), "0.0");
    const first = await pixelsOf(page, ".between canvas");
    assertEquals(first, await pixelsOf(page, ".film .tile canvas", 0));
    await page.keyboard.press("End");
    const last = await pixelsOf(page, ".between canvas");
    assertEquals(last, await pixelsOf(page, ".film .tile canvas", 10));
    assertNotEquals(first, last);
    assertMatch(page.url(), /lambda=10/);

    await page.getByRole("group", { name: "The mixture" }).getByRole("button", { name: "λ = 1.0" }).click();
    const dialog = page.getByRole("dialog", { name: "λ = 1.0" });
    assertEquals(await pixelsOf(page, "dialog canvas"), last);
    const png = await saved(page, "Save PNG");
    assertEquals(png.name, "digits-1-10.png");
    assertEquals([...decodePng(png.bytes).data], grays(last));
    const film = await readFilm(page, (await saved(page, "Save film of all (APNG)")).bytes);
    assertEquals(film.width, 11 * 34 + 2);
    assertEquals(cut(film, 2 + 10 * 34, 2, 32), last);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });
});

browserTest("Interpolate: between two pictures, t says how much of them is covered", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/interpolate?model=tiny-model&steps=20&from=images&t=20&seed=1`, async (page) => {
    const draw = page.getByRole("button", { name: "Draw", exact: true });
    assertEquals(await draw.isDisabled(), true);
    for (const i of [0, 1]) {
      await page.getByRole("button", { name: "Draw one" }).nth(i).click();
      await page.locator(".end canvas").nth(i).waitFor();
    }
    const sent = page.waitForRequest("**/interpolate");
    await draw.click();
    // The paper's t = 20 is the API's 19.
    assertEquals((await sent).postDataJSON().t, 19);
    await finished(page);
    const near = await pixelsOf(page, ".film .tile canvas", 0);
    await page.getByRole("slider", { name: /^t, how far/ }).fill("90");
    await drawAgain(page);
    await finished(page);
    assertNotEquals(await pixelsOf(page, ".film .tile canvas", 0), near);
    assertMatch(page.url(), /t=90/);
  });
});
