import { assertEquals } from "@std/assert";
import { betaSchedule, createDiffusion } from "../../core/mod.ts";
import { nearestVisited, visitedTimesteps, watchRow } from "../../figures/trajectory.ts";
import { parseSchedulerConfig } from "../../model/scheduler_config.ts";
import { compileTask } from "../../sampling/compile.ts";
import { denoise, type Row, startRow } from "../../sampling/denoise.ts";

const shape = { height: 4, width: 4, channels: 1, outChannels: 1 };
const scheduler = parseSchedulerConfig({ num_train_timesteps: 20 });
const target = {
  ...shape,
  timesteps: 20,
  numClasses: null,
  scheduler,
  diffusion: createDiffusion(betaSchedule("linear", 20)),
};
const network = { ...shape, evaluate: (x: Float32Array) => x.map((value) => value / 2) };

const taskOf = (n: number, steps: number) =>
  compileTask({
    kind: "generate",
    sampling: { n, seed: 3, sampler: "ddpm", steps, guidance: 1, labels: null },
  }, target);

Deno.test("visitedTimesteps counts as the paper does, from T down to the image", () => {
  assertEquals(visitedTimesteps(taskOf(1, 20)), [...Array(21).keys()].toReversed());
  assertEquals(visitedTimesteps(taskOf(1, 4)), [16, 11, 6, 1, 0]);
});

Deno.test("nearestVisited takes what is visited next to what is wanted, each once, in the order of time", () => {
  assertEquals(nearestVisited([16, 11, 6, 1, 0], [0, 20, 10, 12]), [0, 1, 4]);
});

Deno.test("watchRow keeps x_t before each step and the x_0 that the step predicted, and changes nothing", async () => {
  const task = taskOf(1, 4);
  const plain = startRow(task, 0);
  const states: Float32Array[] = [plain.x.slice()], starts: Float32Array[] = [];
  const keep = ([row]: readonly Row[]) => {
    states.push(row.x.slice());
    starts.push(row.x0.slice());
  };
  await denoise(network, [plain], { nullLabel: null, onStep: keep });

  const watched = watchRow(task, 0, [0, 2, 4]);
  await denoise(network, [watched.row], { nullLabel: null, onStep: watched.record });
  assertEquals(watched.moments, [
    { t: 16, x: states[0], x0: starts[0] },
    { t: 6, x: states[2], x0: starts[2] },
    { t: 0, x: states[4], x0: null },
  ]);
});
