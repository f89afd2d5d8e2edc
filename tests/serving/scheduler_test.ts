import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { betaSchedule, compilePlan, createDiffusion, type PlanOptions, sample } from "../../core/mod.ts";
import { createScheduler } from "../../serving/scheduler.ts";
import { QueueFullError, type SamplingTask } from "../../serving/task.ts";
import { gaussianNetwork } from "./gaussian_network.ts";

const diffusion = createDiffusion(betaSchedule("linear", 100));
const task = (
  { n = 1, seed = 7, labels = null, guidance = 1, ...options }:
    & Partial<Omit<SamplingTask, "plan">>
    & Partial<PlanOptions> = {},
): SamplingTask => ({ plan: compilePlan({ diffusion, steps: 10, ...options }), n, seed, labels, guidance });

const size = 48;
const image = (images: Float32Array, i: number) => images.subarray(i * size, (i + 1) * size);

Deno.test("scheduler: a lone task gives what core's loop gives, bit for bit, for each sampler", async () => {
  for (const sampler of ["ddpm", "ddim", "heun", "dpmsolver++"] as const) {
    const { network } = gaussianNetwork();
    const lone = task({ n: 2, sampler, eta: 0.5 });
    const images = await createScheduler(network).submit(lone);
    const evaluate = (x: Float32Array, timesteps: Int32Array) => network.evaluate(x, timesteps, null);
    assertEquals(images, await sample({ plan: lone.plan, shape: [2, 4, 4, 3], evaluate, seed: 7 }));
  }
});

Deno.test("scheduler: a learned variance is that of core's loop", async () => {
  const { network } = gaussianNetwork({ learned: true });
  const lone = task({ variance: "learned_range" });
  const images = await createScheduler(network).submit(lone);
  const evaluate = (x: Float32Array, timesteps: Int32Array) => network.evaluate(x, timesteps, null);
  assertEquals(images, await sample({ plan: lone.plan, shape: [1, 4, 4, 3], evaluate, seed: 7 }));
});

Deno.test("scheduler: an image has the same bits alone, in a larger n, and among any neighbours", async () => {
  const options = { seed: 3, labels: [1] };
  const alone = await createScheduler(gaussianNetwork().network).submit(task(options));
  const four = await createScheduler(gaussianNetwork().network).submit(
    task({ ...options, n: 4, labels: [1, 2, 3, 4] }),
  );
  assertEquals(image(four, 0), alone);

  const { network, calls } = gaussianNetwork();
  const scheduler = createScheduler(network, { capacity: 5, nullLabel: 10 });
  const [, , among] = await Promise.all([
    scheduler.submit(task({ seed: 8, n: 3, labels: [5, 6, 7], sampler: "heun", steps: 4 })),
    scheduler.submit(task({ seed: 9, n: 2, labels: [0, 9], guidance: 3, steps: 17 })),
    scheduler.submit(task(options)),
    scheduler.submit(task({ seed: 10, labels: [2], sampler: "ddim", steps: 50 })),
  ]);
  assertEquals(among, alone);
  assert(calls.some(({ timesteps }) => new Set(timesteps).size > 1), "no call mixed timesteps");
  assert(calls.every(({ timesteps }) => timesteps.length <= 5), "a call went over the capacity");
});

Deno.test("scheduler: guidance mixes the outputs with and without the class, and takes two rows", async () => {
  const { network, calls } = gaussianNetwork();
  const guided = task({ labels: [4], guidance: 3 });
  const images = await createScheduler(network, { nullLabel: 10 }).submit(guided);
  assertEquals(calls[0].labels, [4, 10]);

  const evaluate = (x: Float32Array, [timestep]: Int32Array) => {
    const cond = network.evaluate(x, [timestep], [4]), uncond = network.evaluate(x, [timestep], [10]);
    return cond.map((value, i) => uncond[i] + 3 * (value - uncond[i]));
  };
  assertEquals(images, await sample({ plan: guided.plan, shape: [1, 4, 4, 3], evaluate, seed: 7 }));
});

Deno.test("scheduler: more images than the capacity go through in order, and every step is reported", async () => {
  const { network, calls } = gaussianNetwork();
  const reports: number[] = [];
  const scheduler = createScheduler(network, { capacity: 2 });
  const images = await scheduler.submit(task({ n: 5 }), {
    onStep: ({ done, total }) => {
      assertEquals(total, 50);
      reports.push(done);
    },
  });
  assertEquals(calls.length, 30);
  assertEquals(reports.at(-1), 50);
  assertEquals(reports, reports.toSorted((a, b) => a - b));
  assertEquals(images, await createScheduler(network).submit(task({ n: 5 })));
});

Deno.test("scheduler: a cancelled task rejects with its reason and frees its rows at the next step", async () => {
  const { network, calls } = gaussianNetwork();
  const scheduler = createScheduler(network, { capacity: 2 });
  const canceller = new AbortController();
  const long = scheduler.submit(task({ n: 2, steps: 100 }), {
    signal: canceller.signal,
    onStep: ({ done }) => done === 6 && canceller.abort(new Error("enough")),
  });
  const short = scheduler.submit(task({ n: 2, steps: 10 }));
  await assertRejects(() => long, Error, "enough");
  assertEquals(scheduler.load.live, 0);
  await short;
  assertEquals(calls.length, 3 + 10);
  assertEquals(scheduler.load, { live: 0, waiting: 0 });
});

Deno.test("scheduler: a task that is cancelled while it waits, or before, is never begun", async () => {
  const { network, calls } = gaussianNetwork();
  const scheduler = createScheduler(network, { capacity: 2 });
  const canceller = new AbortController();
  const first = scheduler.submit(task({ n: 2 }));
  const second = scheduler.submit(task({ steps: 100 }), { signal: canceller.signal });
  canceller.abort();
  await assertRejects(() => second, DOMException);
  await assertRejects(() => scheduler.submit(task(), { signal: canceller.signal }), DOMException);
  await first;
  assertEquals(calls.length, 10);
});

Deno.test("scheduler: a failing network call fails the tasks in it; the others and later ones go on", async () => {
  const { network } = gaussianNetwork();
  let call = 0;
  const failing = {
    ...network,
    evaluate: (...args: Parameters<typeof network.evaluate>) => {
      if (++call === 3) throw new Error("out of memory");
      return network.evaluate(...args);
    },
  };
  const scheduler = createScheduler(failing, { capacity: 2 });
  const first = scheduler.submit(task({ n: 3 }));
  const second = scheduler.submit(task({ seed: 1 }));
  await assertRejects(() => first, Error, "out of memory");
  assertEquals(await second, await createScheduler(network).submit(task({ seed: 1 })));
  assertEquals(call, 13);
  assertEquals((await scheduler.submit(task())).length, size);
});

Deno.test("scheduler: a task that finds the queue full is refused at once, and room comes back", async () => {
  const scheduler = createScheduler(gaussianNetwork().network, { capacity: 2, queue: 4 });
  const first = scheduler.submit(task({ n: 4 }));
  await assertRejects(() => scheduler.submit(task()), QueueFullError, "4 images wait");
  await first;
  assertEquals((await scheduler.submit(task())).length, size);
});

Deno.test("scheduler: a timer gets its turn between two steps", async () => {
  let ticks = 0;
  const { network } = gaussianNetwork();
  const slow = {
    ...network,
    evaluate: (...args: Parameters<typeof network.evaluate>) => {
      for (const start = performance.now(); performance.now() - start < 5;);
      return network.evaluate(...args);
    },
  };
  const timer = setInterval(() => ticks++, 1);
  await createScheduler(slow).submit(task());
  clearInterval(timer);
  assert(ticks >= 5, `${ticks} ticks`);
});

Deno.test("createScheduler: a capacity that no guided image fits is refused", () => {
  assertThrows(() => createScheduler(gaussianNetwork().network, { capacity: 1 }), RangeError, "capacity");
});
