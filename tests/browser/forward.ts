/// <reference lib="dom" />
import { assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { betaSchedule, createDiffusion, fillNormal, qSample } from "../../core/mod.ts";
import { encodePng } from "../../formats/png.ts";
import { browserTest, pixelsOf, withPage } from "./browser.ts";
import { sharedServer } from "./server.ts";

/** A picture of 32×32 whose red, green and blue differ everywhere. */
const picture = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 7) % 256);

browserTest("Forward: a dropped picture is covered with the very noise that core/ makes here", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/forward?size=32&seed=3&schedule=cosine`, async (page) => {
    const png = encodePng({ data: picture, width: 32, height: 32, channels: 3 });
    const transfer = await page.evaluateHandle((bytes) => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
      return files;
    }, [...png]);
    await page.locator(".drop").dispatchEvent("drop", { dataTransfer: transfer });
    await page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>(".forward canvas")!;
      return canvas.getContext("2d")!.getImageData(1, 0, 1, 1).data[0] === 21;
    });
    const slider = page.getByRole("slider", { name: /^t/ });
    const diffusion = createDiffusion(betaSchedule("cosine", 1000));
    const start = Float32Array.from(picture, (byte) => byte / 127.5 - 1);
    const noise = fillNormal(new Float32Array(start.length), { seed: 3, sample: 0, step: 0 });
    for (const t of [1, 300, 1000]) {
      await slider.fill(String(t));
      const expected = qSample(diffusion, start, t - 1, noise);
      const shown = (await pixelsOf(page, ".forward canvas", 1)).filter((_, i) => i % 4 !== 3);
      expected.forEach((value, i) =>
        assertAlmostEquals(shown[i], Math.min(255, Math.max(0, (value + 1) * 127.5)), 0.51, `t = ${t}, ${i}`)
      );
      const alpha = await page.locator(".facts dd").first().textContent();
      assertAlmostEquals(Number(alpha), diffusion.alphasCumprod[t - 1], 1e-3 * diffusion.alphasCumprod[t - 1]);
    }
  });
});

browserTest(
  "Forward: the chart and its legend choose t, the schedule and the curve; all of it is in the address",
  async () => {
    const { origin } = await sharedServer();
    await withPage(`${origin}/#/forward`, async (page) => {
      const before = await pixelsOf(page, ".forward canvas", 1);
      await page.getByRole("button", { name: "cosine", exact: true }).click();
      assertNotEquals(await pixelsOf(page, ".forward canvas", 1), before);
      await page.getByRole("radio", { name: "log SNR" }).check();
      // Its middle, once the chart of the other curve is there.
      await page.locator(".u-over").click();
      const at = Number(await page.getByRole("slider", { name: /^t/ }).inputValue());
      assertAlmostEquals(at, 500, 10);
      assertEquals(page.url(), `${origin}/#/forward?schedule=cosine&curve=snr&t=${at}`);
    });
  },
);

browserTest("Forward: a file that is no picture is refused in words", async () => {
  const { origin } = await sharedServer();
  await withPage(`${origin}/#/forward`, async (page) => {
    await page.locator("input[type=file]").setInputFiles({
      name: "a.png",
      mimeType: "image/png",
      buffer: Buffer.from("no picture"),
    });
    await page.getByRole("alert").getByText("cannot read that file as a picture").waitFor();
  });
});
