/// <reference lib="dom" />
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { findings } from "./access.ts";
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

browserTest("Train: every option shows what it comes to, and two runs are compared in one chart", async () => {
  const { origin } = await sharedServer();
  const names = ["a", "b"].map((letter) => `${letter}-${crypto.randomUUID().slice(0, 8)}`);
  try {
    for (const [i, name] of names.entries()) {
      const options = { preset: "tiny", steps: 3, batch: 2 + i, timesteps: 10, schedule: ["linear", "cosine"][i] };
      const body = JSON.stringify({ name, ...options, engine: "wasm" });
      const response = await fetch(`${origin}/jobs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      assertEquals(response.status, 202, await response.text());
    }
    await withPage(`${origin}/#/train?job=${names[0]}`, async (page) => {
      // What a preset decides is seen before anything is asked for.
      const field = (name: string) => page.getByLabel(name, { exact: true });
      await page.waitForFunction(() => document.querySelector('option[value=""]')?.textContent === "digits");
      assertEquals(await field("Steps").getAttribute("placeholder"), "6000");
      await field("Preset").selectOption("cifar10");
      await page.locator('input[placeholder="800000"]').waitFor();
      assertEquals(await field("Batch").getAttribute("placeholder"), "128");

      const job = page.locator(".job");
      for (const name of names) {
        await page.locator(".jobs button", { hasText: name }).click();
        await job.getByRole("heading", { name }).waitFor();
        await job.getByText("finished", { exact: true }).waitFor({ timeout: 120_000 });
      }
      await job.getByText("Recipe", { exact: true }).click();
      const options = await job.locator(".options > div").evaluateAll((all) =>
        all.map((one) => [one.textContent!, one.className])
      );
      assert(options.some(([text, given]) => text === "Schedulecosine" && given === "is-given"), String(options));
      assert(options.some(([text, given]) => text === "Clip1" && given === ""), String(options));

      await job.getByText("Compare with other runs").click();
      await job.getByLabel(names[0]).check();
      await job.getByRole("table").waitFor();
      assertEquals(await job.locator(".runs li").allTextContents(), [names[1], names[0]]);
      assertEquals(await job.locator("tbody th").allTextContents(), ["Schedule", "Batch"]);
      assertEquals(await job.locator("tbody td").allTextContents(), ["cosine", "linear", "3", "2"]);
      await job.getByLabel("Also show options that agree").check();
      assert(await job.locator("tbody tr").count() > 20);
      await job.getByRole("radio", { name: "time" }).check();
      await job.getByRole("img", { name: "Loss over the time" }).waitFor();
      assertMatch(page.url(), new RegExp(`with=${names[0]}.*over=time|over=time.*with=${names[0]}`));
      assertEquals(await findings(page), []);
    });
  } finally {
    for (const name of names) await Deno.remove(runs + name, { recursive: true }).catch(() => {});
  }
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
      await job.getByText("running", { exact: true }).waitFor({ timeout: 120_000 });
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
      await job.getByText("canceled", { exact: true }).waitFor({ timeout: 120_000 });
      const canceled = await step();
      await job.getByLabel("Go on to step").fill(String(canceled + 2));
      await job.getByRole("button", { name: "Resume" }).click();
      await job.getByText("finished", { exact: true }).waitFor({ timeout: 120_000 });
      assertEquals(await step(), canceled + 2);

      await job.getByRole("button", { name: "Load to draw with" }).click();
      await job.getByRole("button", { name: "Draw with it" }).click();
      const tab = page.locator(".tab-generate");
      assertEquals(await tab.getByLabel("Model").inputValue(), name);
      await tab.getByLabel("Steps").fill("5");
      await page.getByRole("button", { name: "Draw", exact: true }).click();
      await finished(page);
      // The samples of a job whose run a test before has removed are 404.
    }, { expected: /404/ });
  } finally {
    await fetch(`${origin}/models/${name}`, { method: "DELETE" }).then((response) => response.body?.cancel());
    await Deno.remove(runs + name, { recursive: true }).catch(() => {});
  }
});
