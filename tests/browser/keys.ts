/// <reference lib="dom" />
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseKeys } from "../../routes/http/keys.ts";
import { browserTest, finished, readFilm, saved, withPage } from "./browser.ts";
import { openTestServer } from "./server.ts";

browserTest(
  "a server with keys is opened by one, which is kept for this tab alone and goes with every request",
  async () => {
    await using server = await openTestServer(parseKeys("let-me-draw:generate"));
    await withPage(`${server.origin}/#/generate?n=1&steps=4&seed=1`, async (page) => {
      const dialog = page.getByRole("dialog");
      await dialog.getByText("only for those who have a key").waitFor();
      await dialog.getByLabel("Key").fill("wrong");
      await dialog.getByRole("button", { name: "Use it" }).click();
      await page.getByText("does not know that key").waitFor();
      await dialog.getByLabel("Key").fill("let-me-draw");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Draw", exact: true }).click();
      await finished(page);
      assertEquals(await page.evaluate(() => [sessionStorage.length, localStorage.length]), [1, 0]);
      assertEquals(page.url().includes("let-me-draw"), false);

      await page.getByRole("button", { name: /^Image 1/ }).first().click();
      const curl = await dialog.locator(".line", { hasText: "curl" }).locator("code").textContent();
      assertMatch(curl!, /-H "Authorization: Bearer \$KEY"/);
      const film = await readFilm(page, (await saved(page, "Save film (APNG)")).bytes);
      assert(film.count > 1, `${film.count} pictures`);
      await page.keyboard.press("Escape");

      await page.getByRole("link", { name: "Train" }).click();
      await page.getByRole("alert").getByText("this key lacks the right jobs").waitFor();
    }, { expected: /40[13]/ });
  },
);
