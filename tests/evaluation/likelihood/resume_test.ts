import { assertEquals, assertRejects } from "@std/assert";
import { normal } from "../../../core/mod.ts";
import { createDataset } from "../../../datasets/dataset.ts";
import { EvaluationError } from "../../../evaluation/error.ts";
import { type BoundNetwork, evaluatedProcess, measureBound } from "../../../evaluation/likelihood/bound.ts";
import {
  createPartialResult,
  createPartialResultStore,
  type PartialResult,
} from "../../../evaluation/likelihood/partial_result.ts";
import { parseSchedulerConfig } from "../../../model/scheduler_config.ts";

const COUNT = 7, STEPS = 5;
const process = evaluatedProcess(parseSchedulerConfig({ num_train_timesteps: 50 }), { respacing: `${STEPS}` });
const dataset = createDataset({
  name: "seven",
  count: COUNT,
  height: 2,
  width: 2,
  channels: 1,
  images: Uint8Array.from({ length: COUNT * 4 }, (_, i) => 37 * i % 256),
  labels: null,
  classNames: null,
});
const indices = Uint32Array.of(5, 0, 3, 6, 1, 2, 4);

/** A network that answers by what it is shown. */
const network: BoundNetwork = {
  channels: 1,
  outChannels: 1,
  evaluate: (x, timesteps) => x.map((value, i) => 0.9 * Math.sin(value) + 0.1 * normal(1, timesteps[0], 0, i % 4)),
};

const go = (
  stand: PartialResult,
  { n = COUNT, batch = 3, stopAfter = Infinity, own = network }: {
    n?: number;
    batch?: number;
    stopAfter?: number;
    own?: BoundNetwork;
  } = {},
): Promise<void> => {
  const controller = new AbortController();
  let asked = 0;
  return measureBound(stand, {
    network: own,
    process,
    dataset,
    indices: indices.subarray(0, n),
    classOf: null,
    seed: 9,
    batch,
    signal: controller.signal,
    onStep: () => {
      if (++asked === stopAfter) controller.abort(new Error("enough"));
    },
  });
};

const whole = async (n = COUNT): Promise<PartialResult> => {
  const stand = createPartialResult(STEPS);
  await go(stand, { n });
  return stand;
};

const inFolder = async (
  test: (stands: ReturnType<typeof createPartialResultStore>, folder: string, damaged: string[]) => Promise<void>,
): Promise<void> => {
  await Deno.mkdir("runs", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: "runs", prefix: "test-" });
  const damaged: string[] = [];
  try {
    const options = { folder, key: "abc", steps: STEPS, onDamaged: (file: string) => damaged.push(file) };
    await test(createPartialResultStore(options), folder, damaged);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
};

Deno.test("an evaluation that is stopped after any answer of the network goes on to the same bits", async () => {
  const expected = await whole();
  await inFolder(async (stands) => {
    for (let stopAfter = 1; stopAfter <= 3 * STEPS; stopAfter++) {
      const stand = createPartialResult(STEPS);
      const stopped = go(stand, { stopAfter });
      if (stopAfter < 3 * STEPS) await assertRejects(() => stopped, Error, "enough");
      else await stopped;
      await stands.save(COUNT, stand);
      const kept = await stands.read(COUNT);
      assertEquals(kept, stand);
      await go(kept);
      assertEquals(kept, expected, `after ${stopAfter}`);
    }
  });
});

Deno.test("an evaluation has the same bits whatever the batch", async () => {
  const expected = await whole();
  for (const batch of [1, 2, 7, 100]) {
    const stand = createPartialResult(STEPS);
    await go(stand, { batch });
    assertEquals(stand, expected, `batches of ${batch}`);
  }
});

Deno.test("an evaluation of more images goes on from one of fewer, and one of fewer takes nothing of one of more", async () => {
  await inFolder(async (stands) => {
    await stands.save(4, await whole(4));
    const more = await stands.read(COUNT);
    assertEquals(more.moments.count, 4);
    await go(more);
    assertEquals(more, await whole());
    await stands.save(COUNT, more);
    assertEquals(await stands.read(3), createPartialResult(STEPS));
    assertEquals(await stands.read(5), await whole(4));
  });
});

Deno.test("images at work beyond those asked for are left out", async () => {
  await inFolder(async (stands) => {
    const stand = createPartialResult(STEPS);
    await assertRejects(() => go(stand, { stopAfter: STEPS + 2 }), Error, "enough");
    assertEquals([stand.moments.count, stand.pending?.size], [3, 3]);
    await stands.save(COUNT, stand);
    assertEquals(await stands.read(5), await whole(3));
  });
});

Deno.test("a kept stand that is damaged, or of another process, is passed over and named", async () => {
  await inFolder(async (stands, folder, damaged) => {
    await Deno.writeTextFile(`${folder}/bpd-abc-9.npz`, "no archive");
    await createPartialResultStore({ folder, key: "abc", steps: STEPS + 1, onDamaged: () => {} })
      .save(3, createPartialResult(STEPS + 1));
    await createPartialResultStore({ folder, key: "other", steps: STEPS, onDamaged: () => {} }).save(4, await whole(4));
    assertEquals(await stands.read(COUNT), createPartialResult(STEPS));
    assertEquals(damaged.map((path) => path.replace(/.*\//, "")).sort(), ["bpd-abc-3.npz", "bpd-abc-9.npz"]);
  });
});

Deno.test("a network that answers NaN is refused, with the timestep", async () => {
  const own = { ...network, evaluate: (x: Float32Array) => x.map(() => NaN) };
  await assertRejects(
    () => go(createPartialResult(STEPS), { own }),
    EvaluationError,
    "model must answer with finite numbers, received others at timestep 49",
  );
});
