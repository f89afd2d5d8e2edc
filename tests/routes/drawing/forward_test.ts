import { assertEquals } from "@std/assert";
import { betaSchedule, createDiffusion, fillNormal, qSample } from "../../../core/mod.ts";
import { decodeNpy } from "../../../formats/npy.ts";
import { fromBytes, nchwToNhwc } from "../../../formats/pixels.ts";
import { loadPipeline } from "../../../model/pipeline.ts";
import { diffusionOf } from "../../../model/scheduler_config.ts";
import { stripTimesteps } from "../../../routes/drawing/forward.ts";
import { decodePng } from "../../formats/decode_png.ts";
import { formOf, gradient } from "../pictures.ts";
import { bytesOf, tinyModel, withServer } from "../with_server.ts";

const shape = { height: 8, width: 8, channels: 3 };

Deno.test("stripTimesteps spreads the timesteps evenly up to T − 1", () => {
  assertEquals(stripTimesteps(1000, 11), [99, 199, 299, 399, 499, 599, 699, 799, 899, 999]);
  assertEquals(stripTimesteps(1000, 2), [999]);
  assertEquals(stripTimesteps(3, 5), [0, 1, 1, 2]);
});

Deno.test("POST /forward: the strip holds x_0 and core's x_t, by the model's schedule and by one that is named", async () => {
  const { scheduler } = await loadPipeline(tinyModel);
  const image = gradient();
  const start = fromBytes(decodePng(image).data);
  const noise = fillNormal(new Float32Array(start.length), { seed: 6, sample: 0, step: 0 });
  await withServer(async ({ origin }) => {
    for (const schedule of [undefined, "cosine"] as const) {
      const named: Record<string, string> = schedule ? { schedule } : {};
      const body = formOf({ image, seed: 6, count: 5, format: "npy", ...named });
      const response = await fetch(`${origin}/forward`, { method: "POST", body });
      assertEquals(response.headers.get("denoise-schedule"), schedule ?? null);
      const { shape: extents, data } = decodeNpy(await bytesOf(response, "application/x-npy"));
      assertEquals(extents, [5, 3, 8, 8]);
      const diffusion = schedule ? createDiffusion(betaSchedule(schedule, 100)) : diffusionOf(scheduler);
      const expected = [start, ...[24, 49, 74, 99].map((t) => qSample(diffusion, start, t, noise))];
      assertEquals(nchwToNhwc(data as Float32Array, shape), Float32Array.from(expected.flatMap((image) => [...image])));
    }
  });
});

Deno.test("GET /forward: its x_0 is the image that GET /generate draws with the same parameters", () =>
  withServer(async ({ origin }) => {
    const query = "seed=4&steps=10&label=blue";
    const first = async (path: string) => {
      const { images } = await (await fetch(`${origin}${path}&format=json`)).json();
      return images[0].image;
    };
    assertEquals(await first(`/forward?count=3&${query}`), await first(`/generate?${query}`));
  }));
