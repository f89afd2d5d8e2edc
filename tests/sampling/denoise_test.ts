import { assertEquals, assertRejects } from "@std/assert";
import { compileTask } from "../../sampling/compile.ts";
import { denoise, type Network, type Row, startRow } from "../../sampling/denoise.ts";
import { NonFiniteImageError } from "../../sampling/errors.ts";
import { fakeModel } from "../serving/fake_model.ts";

const { network, target, nullLabel } = fakeModel();

const rowsOf = (...sizes: [n: number, steps: number][]): Row[] =>
  sizes.flatMap(([n, steps]) => {
    const labels = Array<number>(n).fill(4);
    const sampling = { n, seed: 3, sampler: "ddpm" as const, steps, guidance: 1, labels };
    const task = compileTask({ kind: "generate", sampling }, target);
    return Array.from({ length: n }, (_, i) => startRow(task, i));
  });

Deno.test("denoise gives every row its image, whatever the batch, with rows of several tasks", async () => {
  const imagesBy = async (batch?: number) => {
    const rows = rowsOf([2, 4], [1, 20], [2, 7]);
    const asked: number[] = [];
    await denoise(network, rows, { nullLabel, batch, onStep: (moved) => asked.push(moved.length) });
    assertEquals(asked.reduce((sum, n) => sum + n), 2 * 4 + 20 + 2 * 7);
    assertEquals(Math.max(...asked), batch ?? 5);
    return rows.map(({ x }) => x);
  };
  const [together, apart, pairs] = [await imagesBy(), await imagesBy(1), await imagesBy(2)];
  assertEquals(apart, together);
  assertEquals(pairs, together);
});

Deno.test("denoise ends before the next step once its signal is aborted", async () => {
  const controller = new AbortController();
  const [row] = rowsOf([1, 10]);
  const onStep = () => row.done === 3 && controller.abort(new Error("enough"));
  await assertRejects(() => denoise(network, [row], { nullLabel, signal: controller.signal, onStep }), Error, "enough");
  assertEquals(row.done, 3);
});

Deno.test("denoise ends at the first step that leaves a number which is not finite, and says which image", async () => {
  const evaluate: Network["evaluate"] = (x, timesteps, labels) => {
    const out = network.evaluate(x, timesteps, labels);
    if (timesteps[1] < 60) out[network.height * network.width * network.channels + 5] = NaN;
    return out;
  };
  const rows = rowsOf([2, 10]);
  await assertRejects(
    () => denoise({ ...network, evaluate }, rows, { nullLabel }),
    NonFiniteImageError,
    "image 1 cannot be drawn: 1 of its 48 values are not finite after step 5 of 10, at timestep 50",
  );
  assertEquals(rows.map(({ done }) => done), [5, 5]);
});

Deno.test("denoise draws on where the network's answer is infinite and x_0 is clipped: the image is finite", async () => {
  const evaluate: Network["evaluate"] = (x, timesteps, labels) =>
    network.evaluate(x, timesteps, labels).map((value) => value > 0 ? Infinity : -Infinity);
  const rows = rowsOf([2, 10]);
  await denoise({ ...network, evaluate }, rows, { nullLabel });
  for (const { x } of rows) assertEquals(x.every(Number.isFinite), true);
});
