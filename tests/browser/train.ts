/// <reference lib="dom" />
import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { browserTest, finished, withPage } from "./browser.ts";
import { sharedServer } from "./server.ts";

const runs = fromFileUrl(new URL("../../runs/", import.meta.url));

browserTest("Train: what is wrong with an option is said at its field", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/train`, async (page) => {
    await page.getByLabel("Data").fill("../etc");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByRole("alert").waitFor();
    assertEquals(await page.getByLabel("Data").getAttribute("aria-invalid"), "true");
  }, { expected: /422/ });
});

browserTest("Train: a job is asked for, followed, canceled, resumed, loaded and drawn with", async () => {
  const { origin } = await sharedServer();
  const name = `page-${crypto.randomUUID().slice(0, 8)}`;
  try {
    await withPage(`${origin}/#/train`, async (page) => {
      await page.getByLabel("Name").fill(name);
      await page.getByLabel("Preset").selectOption("tiny");
      await page.getByLabel("Steps", { exact: true }).fill("100000");
      await page.getByLabel("Batch", { exact: true }).fill("4");
      await page.getByText("All options").click();
      await page.getByLabel("T", { exact: true }).fill("10");
      await page.getByLabel("Sample every").fill("5");
      await page.getByLabel("Checkpoint every").fill("5");
      await page.getByLabel("Engine").selectOption("wasm");
      await page.getByRole("button", { name: "Train", exact: true }).click();

      const job = page.locator(".job");
      // The queue is opened for the first job.
      await job.getByRole("heading", { name }).waitFor({ timeout: 90_000 });
      const step = async () => Number((await job.locator(".facts dd").first().textContent())!.split(" ")[0]);
      await job.getByText("is trained").waitFor({ timeout: 120_000 });
      await page.waitForFunction(
        () => Number.parseInt(document.querySelector(".job .facts dd")!.textContent!) > 7,
        null,
        {
          timeout: 120_000,
        },
      );
      await job.locator(".u-over").waitFor();
      await job.locator(".samples img").waitFor({ timeout: 120_000 });
      const seen = await step();
      await page.waitForFunction(
        (seen) => Number.parseInt(document.querySelector(".job .facts dd")!.textContent!) > seen,
        seen,
        { timeout: 120_000 },
      );
      await job.getByRole("radio", { name: "gradient" }).check();
      assertMatch(page.url(), /measure=gradientNorm/);

      await job.getByRole("button", { name: "Cancel" }).click();
      await job.getByText("was canceled").waitFor({ timeout: 120_000 });
      const canceled = await step();
      await job.getByLabel("Go on to step").fill(String(canceled + 2));
      await job.getByRole("button", { name: "Resume" }).click();
      await job.getByText("is done").waitFor({ timeout: 120_000 });
      assertEquals(await step(), canceled + 2);

      await job.getByRole("button", { name: "Load to draw with" }).click();
      await job.getByRole("button", { name: "Draw with it" }).click();
      const tab = page.locator(".tab-generate");
      assertEquals(await tab.getByLabel("Model").inputValue(), name);
      await tab.getByLabel("Steps").fill("5");
      await page.getByRole("button", { name: "Draw", exact: true }).click();
      await finished(page);
    });
  } finally {
    await fetch(`${origin}/models/${name}`, { method: "DELETE" }).then((response) => response.body?.cancel());
    await Deno.remove(runs + name, { recursive: true }).catch(() => {});
  }
});
