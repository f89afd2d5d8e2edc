import { assert, assertEquals } from "@std/assert";
import { toBytes } from "../../formats/pixels.ts";
import { compileTask } from "../../sampling/compile.ts";
import { type Preview, previewSteps } from "../../serving/progress.ts";
import { createScheduler } from "../../serving/scheduler.ts";
import { fakeModel } from "./fake_model.ts";

Deno.test("previewSteps are spread evenly, the first and the last step included, none twice", () => {
  assertEquals(previewSteps(0, 10), []);
  assertEquals(previewSteps(1, 10), [10]);
  assertEquals(previewSteps(2, 10), [1, 10]);
  assertEquals(previewSteps(4, 10), [1, 4, 7, 10]);
  assertEquals(previewSteps(5, 1), [1]);
  assertEquals(previewSteps(99, 3), [1, 2, 3]);
  for (const steps of [2, 7, 50, 999]) {
    const taken = previewSteps(12, steps);
    assertEquals([taken[0], taken.at(-1), new Set(taken).size], [1, steps, Math.min(12, steps)]);
  }
});

Deno.test("previews hold all images of a request at the same step of theirs, though they did not do it together", async () => {
  const { network, target } = fakeModel();
  const labels = [0, 1, 2, 3, 4];
  const sampling = { n: 5, seed: 3, sampler: "ddim", steps: 10, guidance: 1, labels } as const;
  const scheduler = createScheduler(network, { capacity: 3 });
  const previews: Preview[] = [];
  const images = await scheduler.submit(compileTask({ kind: "generate", sampling: { ...sampling, labels } }, target), {
    previews: 4,
    onStep: ({ preview }) => void (preview && previews.push(preview)),
  });
  assertEquals(previews.map(({ step, timestep }) => [step, timestep]), [[1, 90], [4, 60], [7, 30], [10, 0]]);
  assertEquals(previews[3].x, toBytes(images));
  assertEquals(previews[3].x0, toBytes(images));

  // What image 4 is after 4 steps: x_0 of the same timestep from a run of its own.
  const alone: Preview[] = [];
  await createScheduler(network).submit(compileTask({ kind: "generate", sampling: { ...sampling, labels } }, target), {
    previews: 10,
    onStep: ({ preview }) => void (preview && alone.push(preview)),
  });
  assertEquals(previews[1], alone[3]);
  assert(new Set(previews[1].x0).size > 20);
});
