import { assert, assertEquals } from "@std/assert";
import { compileTask } from "../../sampling/compile.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import { createScheduler } from "../../serving/scheduler.ts";
import { fakeModel } from "./fake_model.ts";

/** What a call costs by its rows: as on a graphics card that is not full, as on one that is, and as on a processor. */
const COSTS: Record<string, (rows: number) => number> = {
  "a call's cost is the same for all sizes": () => 1,
  "a row costs a third of a call": (rows) => 1 + rows / 3,
  "cost grows with the rows": (rows) => rows,
};

/** A scheduler whose clock stands still except for network calls. */
const clocked = (costOf: (rows: number) => number) => {
  const { network, target, nullLabel } = fakeModel();
  const clock = { time: 0, calls: 0 };
  const counted = {
    ...network,
    evaluate: (...args: Parameters<typeof network.evaluate>) => {
      clock.time += costOf(args[1].length);
      clock.calls++;
      return network.evaluate(...args);
    },
  };
  const scheduler = createScheduler(counted, { nullLabel, now: () => clock.time });
  let seed = 0;
  const begin = ({ n = 1, steps, signal, sampler = "ddim" }: {
    n?: number;
    steps: number;
    signal?: AbortSignal;
    sampler?: ResolvedSampling["sampler"];
  }) => {
    const labels = Array.from({ length: n }, () => 1);
    const task = compileTask(
      { kind: "generate", sampling: { n, seed: seed++, sampler, steps, guidance: 1, labels } },
      target,
    );
    return scheduler.submit(task, { signal });
  };
  const after = async (calls: number) => {
    while (clock.calls < calls) await new Promise((resume) => setImmediate(resume));
  };
  return { clock, begin, after };
};

/** Time and calls that a request takes from its coming to its end. */
const takes = async (clock: { time: number; calls: number }, run: () => Promise<unknown>) => {
  const { time, calls } = clock;
  await run();
  return { time: clock.time - time, calls: clock.calls - calls };
};

const LONG = { steps: 100 };
const SHORT = { steps: 5 };

for (const [title, costOf] of Object.entries(COSTS)) {
  const lone = async (options: { n?: number; steps: number }) => {
    const { clock, begin } = clocked(costOf);
    return await takes(clock, () => begin(options));
  };

  for (
    const [crowd, count, n] of [["16 requests of one image", 16, 1], ["64 of one", 64, 1], ["4 of 16", 4, 16]] as const
  ) {
    Deno.test(`fairness, ${title}: a short request behind ${crowd} and 20 times the steps ends soon`, async () => {
      const { clock, begin, after } = clocked(costOf);
      const crowded = Array.from({ length: count }, () => begin({ n, ...LONG }));
      await after(40);
      const alone = await lone(SHORT);
      const among = await takes(clock, () => begin(SHORT));
      assertEquals(among.calls, alone.calls);
      assert(among.time <= 2.5 * alone.time, `${among.time} instead of ${alone.time}`);
      const four = await takes(clock, () => begin({ n: 4, ...SHORT }));
      assert(four.time <= 2.5 * (await lone({ n: 4, ...SHORT })).time, `${four.time} for four`);
      await Promise.all(crowded);
    });
  }

  Deno.test(`fairness, ${title}: no stream of short requests starves a long one`, async () => {
    const { clock, begin } = clocked(costOf);
    let over = false;
    const stream = async () => {
      while (!over) await begin(SHORT);
    };
    const long = takes(clock, () => begin(LONG));
    const streams = Array.from({ length: 20 }, stream);
    const among = await long;
    over = true;
    await Promise.all(streams);
    // Of 21 that share it equally each would wait for the work of 21; then its own steps, of one row a call, follow.
    const share = 21 * LONG.steps * costOf(16) / 16;
    const own = LONG.steps * costOf(16);
    assert(among.time <= 1.1 * (share + own), `${among.time}, with ${share} for a share and ${own} for its own steps`);
  });

  Deno.test(`fairness, ${title}: equal requests end in the order in which they came, in full calls`, async () => {
    const { clock, begin } = clocked(costOf);
    const order: number[] = [];
    await Promise.all(Array.from({ length: 48 }, (_, i) => begin(LONG).then(() => order.push(i))));
    assertEquals(order, order.toSorted((a, b) => a - b));
    assert(clock.time <= 1.05 * 48 * LONG.steps * costOf(16) / 16, `${clock.time}`);
  });
}

Deno.test("fairness: a short request behind 16 of 1000 steps takes as many calls as it has steps", async () => {
  const { target, network, calls } = fakeModel();
  const scheduler = createScheduler(network, { now: () => 0 });
  const sampling = { seed: 1, sampler: "ddpm", guidance: 1 } as const;
  const inpaint = { image: new Float32Array(48), mask: new Float32Array(16), jumpLength: 10, jumpSamples: 10 };
  const stop = new AbortController();
  const labels = Array.from({ length: 16 }, (_, i) => i % 10);
  const long = compileTask(
    { kind: "inpaint", sampling: { ...sampling, n: 16, steps: 100, labels }, ...inpaint },
    target,
  );
  assertEquals(long.steps, 100 + 9 * 9 * 10);
  const crowded = scheduler.submit(long, { signal: stop.signal });
  while (calls.length < 300) await new Promise((resume) => setImmediate(resume));
  const before = calls.length;
  await scheduler.submit(
    compileTask({ kind: "generate", sampling: { ...sampling, n: 1, steps: 10, labels: [1] } }, target),
  );
  assertEquals(calls.length - before, 10);
  stop.abort();
  await crowded.catch(() => {});
});
