/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { browserTest, finished, pixelsOf, withPage } from "./browser.ts";
import { spawnServer } from "./server.ts";

browserTest(
  "a server that is killed while it draws is waited for, and what was asked is drawn when it is back",
  async () => {
    let server = await spawnServer(0);
    const { origin } = server;
    try {
      await withPage(`${origin}/#/generate?n=4&steps=40&seed=5`, async (page) => {
        await page.getByRole("button", { name: "Draw", exact: true }).click();
        await finished(page);
        const whole = await pixelsOf(page, ".film .tile canvas", 1);
        await page.getByRole("button", { name: "Draw", exact: true }).click();
        await page.waitForFunction(() => document.querySelector(".where")!.textContent!.startsWith("t = "));
        await server.kill();
        await page.getByText("The connection was lost").waitFor();
        await page.locator(".status.is-unreachable").waitFor();
        server = await spawnServer(Number(new URL(origin).port));
        await page.locator(".status.is-ready").waitFor();
        await finished(page);
        assertEquals(await page.getByText("The connection was lost").count(), 0);
        assertEquals(await pixelsOf(page, ".film .tile canvas", 1), whole);
      }, { expected: /net::|503/ });
    } finally {
      await server.kill();
    }
  },
);
