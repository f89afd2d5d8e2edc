import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { decodePng } from "../formats/decode_png.ts";
import { browserTest, drawAgain, finished, grays, pixelsOf, readFilm, saved, withPage } from "./browser.ts";
import { sharedServer } from "./server.ts";

browserTest("Inpaint: a brushed part is drawn anew, the rest stays to the pixel", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/inpaint?steps=6&times=2&length=2&n=2&seed=1&brush=8`, async (page) => {
    const draw = page.getByRole("button", { name: "Draw", exact: true });
    assertEquals(await draw.isDisabled(), true);
    await finished(page);
    assertEquals(await page.locator(".mask-tools .hint").textContent(), "50 % will be redrawn; the rest stays.");
    await page.getByRole("button", { name: "Clear" }).click();
    const example = await pixelsOf(page, ".brush");
    await page.getByRole("button", { name: "Let the model draw one" }).click();
    const brush = page.locator(".brush");
    await page.getByRole("button", { name: "Drawing …" }).waitFor();
    await page.getByRole("button", { name: "Let the model draw one" }).waitFor();
    assertNotEquals(await pixelsOf(page, ".brush"), example);
    assertEquals(await draw.isDisabled(), true);
    const given = grays(await pixelsOf(page, ".brush")).filter((_, i) =>
      i % 12 === 6 && Math.floor(i / 384) % 12 === 6
    );
    assertEquals(given.length, 32 * 32);

    const box = (await brush.boundingBox())!;
    const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
    await page.mouse.move(...at(0.3, 0.7));
    await page.mouse.down();
    await page.mouse.move(...at(0.7, 0.7), { steps: 5 });
    await page.mouse.up();
    assertMatch((await page.locator(".mask-tools .hint").textContent())!, /^1\d % will be redrawn/);
    await drawAgain(page);
    await finished(page);
    const drawn = grays(await pixelsOf(page, ".film .tile canvas", 0));
    const changed = drawn.map((value, i) => Math.abs(value - given[i]) > 1);
    const rows = (from: number, to: number) => changed.slice(from * 32, to * 32).some(Boolean);
    assert(!rows(0, 18) && rows(18, 27) && !rows(27, 32));

    const second = grays(await pixelsOf(page, ".film .tile canvas", 1));
    await page.getByRole("button", { name: "Variant 2", exact: true }).click();
    await page.getByRole("dialog", { name: "Variant 2" }).waitFor();
    assertEquals([...decodePng((await saved(page, "Save PNG")).bytes).data], second);
    const film = await readFilm(page, (await saved(page, "Save film (APNG)")).bytes);
    assert(film.count > 6, `${film.count} pictures`);
    assertEquals(grays(film.last), second);
  });
});

browserTest("Inpaint: a mask is brushed with keys alone, inverted and cleared", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/inpaint?brush=4`, async (page) => {
    const brush = page.locator(".brush");
    await brush.waitFor();
    await page.getByRole("button", { name: "Clear" }).click();
    const said = () => page.locator(".mask-tools .hint").textContent();
    const share = async () => Number(/^(\d+) %/.exec((await said())!)?.[1] ?? 0);
    await brush.focus();
    await page.keyboard.press("Space");
    const one = await share();
    assertEquals(one, 1);
    for (let i = 0; i < 10; i++) await page.keyboard.press("Shift+ArrowRight");
    const line = await share();
    assert(line > one);
    await page.getByRole("button", { name: "Invert" }).click();
    assertEquals(await share(), 100 - line);
    await page.getByRole("button", { name: "Clear" }).click();
    assertNotEquals(await said(), null);
    assertMatch((await said())!, /^Brush over/);
  });
});
