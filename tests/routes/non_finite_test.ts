import { assertEquals, assertMatch } from "@std/assert";
import { basename, join } from "@std/path";
import { writeDigests } from "../../training/digest.ts";
import { saveChangedModel, saveOverflowingModel } from "../model/changed_model.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { allEvents } from "./read_events.ts";
import { asJson, bytesOf, tinyModel, until, withServer } from "./with_server.ts";

const REASON =
  /^image 0 cannot be drawn: 192 of its 192 values are not finite after step 1 of 5, at timestep 80; the network answers NaN or numbers that are too large$/;

writingTest(
  "images that are not finite are a problem with its reason, never a picture, and harm no other",
  async (folder) => {
    const broken = join(folder, "broken");
    await saveOverflowingModel(broken);
    await withServer(async ({ origin }) => {
      const draw = async () => await bytesOf(await fetch(`${origin}/generate?seed=3&steps=5`), "image/png");
      const before = await draw();
      for (const format of ["png", "npy", "gif", "json"]) {
        const response = await fetch(`${origin}/generate?model=broken&steps=5&format=${format}`);
        const problem = await response.json();
        assertEquals([response.status, response.headers.get("content-type")], [500, "application/problem+json"]);
        assertMatch(problem.detail, REASON);
      }

      const stream = await allEvents(await fetch(`${origin}/generate?model=broken&steps=5&format=event-stream`));
      assertEquals(stream.map(({ type }) => type).filter((type) => type === "step" || type === "done"), []);
      assertEquals([stream.at(-1)!.type, stream.at(-1)!.data.status], ["error", 500]);
      assertMatch(stream.at(-1)!.data.detail, REASON);

      const request = { task: "generate", input: { model: "broken", steps: 5 } };
      const prediction = await fetch(`${origin}/predictions/p`, asJson(request, { method: "PUT" }));
      await prediction.body?.cancel();
      const read = async () => await (await fetch(`${origin}/predictions/p`)).json();
      const ended = await until(read, ({ endedAt }) => endedAt !== null);
      assertEquals([ended.state, ended.error.status], ["failed", 500]);
      assertMatch(ended.error.detail, REASON);

      // The engine is not to blame, and is not started anew.
      assertEquals(await draw(), before);
      const metrics = await (await fetch(`${origin}/metrics`)).text();
      assertMatch(metrics, /^denoise_engine_restarts_total 0$/m);
      assertMatch(metrics, /^denoise_tasks_total\{model="broken",outcome="failed"\} 6$/m);
    }, { models: [tinyModel, broken] });
  },
);

writingTest("POST /models refuses a model whose weights are not finite, and says which", async (folder) => {
  const step = join(folder, "checkpoints", "step-1");
  await saveChangedModel(step, "conv_in.bias", (data) => data[2] = Infinity);
  writeDigests(step);
  await withServer(async ({ origin }) => {
    const checkpoint = `runs/${basename(folder)}/checkpoints/step-1`;
    const response = await fetch(`${origin}/models`, asJson({ checkpoint }));
    const { detail } = await response.json();
    assertEquals(response.status, 422);
    assertMatch(detail, /: tensor conv_in\.bias: its values must be finite, received 1 of 8 that are not$/);
  });
});
