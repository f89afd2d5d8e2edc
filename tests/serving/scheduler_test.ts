import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { compileTask } from "../../sampling/compile.ts";
import type { Network } from "../../sampling/denoise.ts";
import { NonFiniteImageError } from "../../sampling/errors.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import type { TaskProgress } from "../../serving/progress.ts";
import { createScheduler, type NetworkCall } from "../../serving/scheduler.ts";
import { createTimeSharing } from "../../serving/time_sharing.ts";
import { fakeModel } from "./fake_model.ts";

const size = 48;
const { target } = fakeModel();
const task = ({ n = 1, ...options }: Partial<ResolvedSampling> = {}) =>
  compileTask({
    kind: "generate",
    sampling: {
      n,
      seed: 7,
      sampler: "ddpm",
      steps: 10,
      guidance: 1,
      labels: Array.from({ length: n }, (_, i) => i),
      ...options,
    },
  }, target);
const image = (images: Float32Array, i: number) => images.subarray(i * size, (i + 1) * size);

Deno.test("scheduler: an image has the same bits alone, in a larger n, and among any neighbours", async () => {
  const options = { seed: 3, labels: [1] };
  const alone = await createScheduler(fakeModel().network).submit(task(options));
  const four = await createScheduler(fakeModel().network).submit(task({ ...options, n: 4, labels: [1, 2, 3, 4] }));
  assertEquals(image(four, 0), alone);

  const { network, calls } = fakeModel();
  const scheduler = createScheduler(network, { capacity: 5, nullLabel: 10, now: () => 0 });
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

Deno.test("scheduler: a guided image takes two rows, with its class and with none", async () => {
  const { network, calls } = fakeModel();
  await createScheduler(network, { nullLabel: 10 }).submit(task({ labels: [4], guidance: 3 }));
  assertEquals(calls[0].labels, [4, 10]);
});

Deno.test("scheduler: more images than the capacity take their steps in turn, and every step is reported", async () => {
  const { network, calls } = fakeModel();
  const reports: TaskProgress[] = [];
  const scheduler = createScheduler(network, { capacity: 2, now: () => 0 });
  const images = await scheduler.submit(task({ n: 5 }), { onStep: (progress) => reports.push(progress) });
  assertEquals(calls.length, 25);
  assertEquals(reports.map(({ done }) => done), Array.from({ length: 25 }, (_, i) => 2 * i + 2));
  assertEquals(reports.map(({ step }) => step), Array.from({ length: 25 }, (_, i) => Math.floor((2 * i + 2) / 5)));
  assert(reports.every(({ total, steps }) => total === 50 && steps === 10));
  assertEquals(images, await createScheduler(network).submit(task({ n: 5 })));
});

Deno.test("scheduler: a task is told when it is queued, behind how many images, and when it begins", async () => {
  const scheduler = createScheduler(fakeModel().network, { capacity: 2, now: () => 0 });
  const told: string[] = [];
  const submit = (name: string, options: Partial<ResolvedSampling>) =>
    scheduler.submit(task(options), {
      onQueued: (position) => told.push(`${name} behind ${position}`),
      onStarted: () => told.push(`${name} begins`),
      onStep: ({ done, total }) => void (done === total && told.push(`${name} ends`)),
    });
  await Promise.all([
    submit("long", { n: 2, steps: 50 }),
    submit("longer", { n: 2, steps: 60 }),
    submit("short", { n: 2, steps: 5 }),
  ]);
  assertEquals(told.slice(0, 3), ["long behind 0", "longer behind 2", "short behind 0"]);
  assertEquals(told.slice(3), [
    "short begins",
    "short ends",
    "long begins",
    "long ends",
    "longer begins",
    "longer ends",
  ]);
});

Deno.test("scheduler: tells of each call, what it asked for, what was padded and what is left", async () => {
  const steps: NetworkCall[] = [];
  const clock = { time: 0 };
  const { network } = fakeModel();
  const slow: Network = { ...network, evaluate: (...args) => (clock.time += 5, network.evaluate(...args)) };
  const scheduler = createScheduler(slow, {
    bucketOf: () => 4,
    now: () => clock.time,
    onStep: (step) => steps.push(step),
  });
  const end = scheduler.submit(task({ n: 3, steps: 2 }));
  assertEquals(scheduler.load, { live: 0, waiting: 3, left: 6 });
  await end;
  assertEquals(steps, Array(2).fill({ rows: 3, bucket: 4, time: 5, engine: 5 }));
  assertEquals(scheduler.load, { live: 0, waiting: 0, left: 0 });
});

Deno.test("scheduler: a cancelled task rejects with its reason and frees its rows at the next step", async () => {
  const { network, calls } = fakeModel();
  const scheduler = createScheduler(network, { capacity: 2, now: () => 0 });
  const canceller = new AbortController();
  const long = scheduler.submit(task({ n: 2, steps: 100 }), {
    signal: canceller.signal,
    onStep: ({ done }) => done === 6 && canceller.abort(new Error("enough")),
  });
  await assertRejects(() => long, Error, "enough");
  assertEquals(scheduler.load, { live: 0, waiting: 0, left: 0 });
  await scheduler.submit(task({ n: 2, steps: 10 }));
  assertEquals(calls.length, 3 + 10);
});

Deno.test("scheduler: a task that is cancelled while it waits, or before, is never begun", async () => {
  const { network, calls } = fakeModel();
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
  const { network } = fakeModel();
  let call = 0;
  const failing: Network = {
    ...network,
    evaluate: (...args) => {
      if (++call === 3) throw new Error("out of memory");
      return network.evaluate(...args);
    },
  };
  const errors: unknown[] = [];
  const turns = createTimeSharing({ onError: (error) => errors.push(error) });
  const scheduler = createScheduler(failing, { capacity: 2, timeSharing: turns, now: () => 0 });
  const first = scheduler.submit(task({ n: 2 }));
  const second = scheduler.submit(task({ n: 2, seed: 1, steps: 11 }));
  await assertRejects(() => first, Error, "out of memory");
  assertEquals(await second, await createScheduler(network).submit(task({ n: 2, seed: 1, steps: 11 })));
  assertEquals(errors.map(String), ["Error: out of memory"]);
  assertEquals(call, 14);
  assertEquals((await scheduler.submit(task())).length, size);
});

Deno.test("scheduler: two models share the thread, each with tasks of its own", async () => {
  const order: string[] = [];
  const clock = { time: 0 };
  const now = () => clock.time;
  const turns = createTimeSharing({ now });
  const open = (name: string, cost: number) => {
    const { network } = fakeModel();
    const evaluate: Network["evaluate"] = (...args) => {
      order.push(name);
      clock.time += cost;
      return network.evaluate(...args);
    };
    return createScheduler({ ...network, evaluate }, { timeSharing: turns, now });
  };
  const [big, small] = [open("big", 10), open("small", 1)];
  const alone = await createScheduler(fakeModel().network).submit(task({ steps: 30 }));
  const [, images] = await Promise.all([big.submit(task({ steps: 10 })), small.submit(task({ steps: 30 }))]);
  assertEquals(images, alone);
  assertEquals(order.lastIndexOf("small") < order.lastIndexOf("big"), true);
  assertEquals(order.slice(0, order.lastIndexOf("small")).filter((name) => name === "big").length, 3);
});

Deno.test("scheduler: after 1,000 mixed aborts no row and no listener is left, and later tasks are unharmed", async () => {
  const { network, nullLabel } = fakeModel();
  let step = 0;
  const late = new Map<number, (() => void)[]>();
  const scheduler = createScheduler(network, {
    nullLabel,
    onStep: () => late.get(++step)?.forEach((abort) => abort()),
  });
  const listeners = { count: 0 };
  const countedSignal = () => {
    const canceller = new AbortController();
    const { signal } = canceller;
    const add = signal.addEventListener.bind(signal), remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners.count++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners.count--, remove(...args));
    return canceller;
  };

  const steady = task({ seed: 99, steps: 100 });
  const alone = await createScheduler(network).submit(steady);
  let aborted = 0;
  const one = async (i: number) => {
    const canceller = countedSignal();
    const when = ["at once", "at a step of its own", "at a step of all", "while it waits"][i % 4];
    if (when === "at a step of all") {
      late.set(step + 3, [...late.get(step + 3) ?? [], () => canceller.abort()]);
    }
    const end = scheduler.submit(task({ n: 1 + i % 3, seed: i, steps: 20 + i % 50, guidance: i % 5 === 0 ? 2 : 1 }), {
      signal: canceller.signal,
      previews: i % 7,
      onStep: ({ done }) => when === "at a step of its own" && done >= 5 + i % 11 && canceller.abort(),
    });
    if (when === "at once") canceller.abort();
    if (when === "while it waits") setImmediate(() => canceller.abort());
    await end.then(() => {}, () => aborted++);
  };
  let checked = 0;
  for (let wave = 0; wave < 20; wave++) {
    const steadyEnd = scheduler.submit(steady);
    await Promise.all(Array.from({ length: 50 }, (_, i) => one(50 * wave + i)));
    assertEquals(await steadyEnd, alone);
    checked++;
  }
  assertEquals([aborted, checked], [1000, 20]);
  assertEquals(scheduler.load, { live: 0, waiting: 0, left: 0 });
  assertEquals(listeners.count, 0);
  assertEquals(await scheduler.submit(steady), alone);
});

Deno.test("scheduler: a timer gets its turn between two steps", async () => {
  let ticks = 0;
  const { network } = fakeModel();
  const slow: Network = {
    ...network,
    evaluate: (...args) => {
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
  assertThrows(() => createScheduler(fakeModel().network, { capacity: 1 }), RangeError, "capacity");
});

Deno.test("scheduler: values that are not finite fail their own task alone, before a preview of them is taken", async () => {
  const alone = await createScheduler(fakeModel().network).submit(task({ n: 2, labels: [1, 2] }));
  const { network } = fakeModel();
  const evaluate: Network["evaluate"] = (x, timesteps, labels) => {
    const out = network.evaluate(x, timesteps, labels);
    for (let row = 0; row < timesteps.length; row++) {
      if (labels![row] === 9 && timesteps[row] < 60) out[row * size] = NaN;
    }
    return out;
  };
  const scheduler = createScheduler({ ...network, evaluate }, { capacity: 16, now: () => 0 });
  const steps: TaskProgress[] = [];
  const [sound, broken] = await Promise.allSettled([
    scheduler.submit(task({ n: 2, labels: [1, 2] })),
    scheduler.submit(task({ n: 2, labels: [3, 9] }), { previews: 10, onStep: (progress) => steps.push(progress) }),
  ]);
  assertEquals(sound, { status: "fulfilled", value: alone });
  const reason = (broken as PromiseRejectedResult).reason;
  assert(reason instanceof NonFiniteImageError && reason.message.startsWith("image 1 cannot be drawn"), `${reason}`);
  assertEquals(steps.map(({ step }) => step), [1, 2, 3, 4]);
  assertEquals(scheduler.load, { live: 0, waiting: 0, left: 0 });
});
