import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { createDiffusion } from "../../core/diffusion.ts";
import { fillNormal } from "../../core/noise.ts";
import { applyRow, type Plan, type PlanRow, SAMPLERS } from "../../core/plan.ts";
import { type Evaluate, sample, type SampleOptions } from "../../core/sample.ts";
import { compilePlan } from "../../core/samplers.ts";

const diffusion = createDiffusion(Array.from({ length: 100 }, (_, t) => 0.001 + 0.1 * t / 99));
const LENGTH = 12;

/** Depends on x, t and the element of the image, not on its place in the batch. */
const evaluate: Evaluate = (x, timesteps) =>
  x.map((v, i) => 0.8 * Math.tanh(v) + 0.3 * Math.cos(timesteps[Math.floor(i / LENGTH)] + i % LENGTH));
const wide: Evaluate = (x, timesteps) => {
  const out = new Float32Array(2 * x.length);
  for (let i = 0; i < x.length; i++) {
    const k = Math.floor(i / 3) * 6 + i % 3;
    out[k] = 0.8 * Math.tanh(x[i]) + 0.3 * Math.cos(timesteps[Math.floor(i / LENGTH)] + i % LENGTH);
    out[k + 3] = Math.sin(x[i]);
  }
  return out;
};
const shape = (n: number) => [n, 2, 2, 3] as const;
const plans: [Plan, Evaluate][] = [
  ...SAMPLERS.map((sampler): [Plan, Evaluate] => [compilePlan({ diffusion, sampler, steps: 9, eta: 0.7 }), evaluate]),
  [compilePlan({ diffusion, variance: "learned_range", steps: 6 }), wide],
];

Deno.test("an image of sample has the same bits alone, in any batch and at any place in it", async () => {
  for (const [plan, evaluate] of plans) {
    const five = await sample({ plan, shape: shape(5), evaluate, seed: 7 });
    for (let k = 0; k < 5; k++) {
      const one = await sample({ plan, shape: shape(1), evaluate, seed: 7, sample: k });
      assertEquals(one, five.slice(k * LENGTH, (k + 1) * LENGTH));
    }
    assertNotEquals(five.slice(0, LENGTH), five.slice(LENGTH, 2 * LENGTH));
  }
});

Deno.test("rows of different plans, at different steps, share a batch and give each image the bits it has alone", async () => {
  const narrow = plans.slice(0, 4);
  const alone = await Promise.all(narrow.map(([plan], k) => sample({ plan, shape: shape(1), evaluate, seed: k })));
  // Image k joins at round 2k, so that every round mixes samplers and timesteps.
  const x = new Float32Array(4 * LENGTH);
  const x0 = new Float32Array(4 * LENGTH);
  const z = new Float32Array(LENGTH);
  const view = (batch: Float32Array, k: number) => batch.subarray(k * LENGTH, (k + 1) * LENGTH);
  narrow.forEach((_, k) => fillNormal(view(x, k), { seed: k, sample: 0, step: 0 }));
  for (let round = 0; round < 30; round++) {
    const rows = narrow.map(([plan], k) => plan.rows[round - 2 * k] as PlanRow | undefined);
    const out = await evaluate(x, Int32Array.from(rows, (row) => row?.timestep ?? 0));
    rows.forEach((row, k) => {
      if (row === undefined) return;
      fillNormal(z, { seed: k, sample: 0, step: round - 2 * k + 1 });
      applyRow(row, { x: view(x, k), out: view(out, k), x0: view(x0, k), z });
    });
  }
  alone.forEach((image, k) => assertEquals(view(x, k), image));
});

Deno.test("sample draws x_T as step 0 and row i as step i + 1", async () => {
  const plan = compilePlan({ diffusion, steps: 3, clip: Infinity, prediction: "sample" });
  const zero: Evaluate = (x) => new Float32Array(x.length);
  const draw = (step: number) => fillNormal(new Float32Array(LENGTH), { seed: 3, sample: 2, step });
  const seen: Float32Array[] = [];
  const options: SampleOptions = { plan, shape: shape(1), evaluate: zero, seed: 3, sample: 2 };
  await sample({ ...options, onStep: ({ x }) => void seen.push(x.slice()) });
  const [first, second] = plan.rows;
  const one = draw(0).map((v, i) => first.a * v + first.c * draw(1)[i]);
  assertEquals(seen[0], one);
  assertEquals(seen[1], one.map((v, i) => second.a * v + second.c * draw(2)[i]));
});

Deno.test("sample starts from latents, which it leaves alone, and then uses the same noise", async () => {
  const [plan, evaluate] = plans[0];
  const latents = fillNormal(new Float32Array(LENGTH), { seed: 7, sample: 0, step: 0 });
  const before = latents.slice();
  const given = await sample({ plan, shape: shape(1), evaluate, seed: 7, latents });
  assertEquals(latents, before);
  assertEquals(given, await sample({ plan, shape: shape(1), evaluate, seed: 7 }));
});

Deno.test("sample reports every row with its x and x0, the last x0 being the result", async () => {
  for (const [plan, evaluate] of plans) {
    const seen: number[] = [];
    let last = new Float32Array();
    const result = await sample({
      plan,
      shape: shape(2),
      evaluate: (x, t) => Promise.resolve(evaluate(x, t)),
      onStep: ({ index, row, x, x0 }) => {
        assert(row === plan.rows[index]);
        assert(x.every((v, i) => Number.isFinite(v) && Number.isFinite(x0[i])));
        seen.push(index);
        last = x0.slice();
      },
    });
    assertEquals(seen, [...plan.rows.keys()]);
    result.forEach((v, i) => assert(Math.abs(v - last[i]) < 1e-6));
  }
});

Deno.test("sample stops with the signal's reason: before the first evaluation, and at the next row", async () => {
  const [plan] = plans[0];
  let calls = 0;
  const counted: Evaluate = (x, t) => (calls++, evaluate(x, t));
  const options: SampleOptions = { plan, shape: shape(1), evaluate: counted };
  const aborted = AbortSignal.abort(new Error("gone"));
  await assertRejects(() => sample({ ...options, signal: aborted }), Error, "gone");
  assertEquals(calls, 0);
  const controller = new AbortController();
  const onStep = ({ index }: { index: number }) => void (index === 3 && controller.abort(new Error("enough")));
  await assertRejects(() => sample({ ...options, onStep, signal: controller.signal }), Error, "enough");
  assertEquals(calls, 4);
});

Deno.test("sample refuses bad input and names the option", async () => {
  const options: SampleOptions = { plan: plans[0][0], shape: shape(1), evaluate };
  await assertRejects(() => sample({ ...options, shape: [1, 2, 0, 3] }), RangeError, "shape[2]");
  await assertRejects(
    () => sample({ ...options, shape: [1, 2, 3] as unknown as [1, 2, 3, 4] }),
    RangeError,
    "shape.length",
  );
  await assertRejects(() => sample({ ...options, seed: -1 }), RangeError, "seed");
  await assertRejects(() => sample({ ...options, seed: NaN }), RangeError, "seed");
  await assertRejects(() => sample({ ...options, sample: 1.5 }), RangeError, "sample");
  await assertRejects(() => sample({ ...options, latents: new Float32Array(5) }), RangeError, "latents must have 12");
  const listed = [0] as unknown as Float32Array;
  await assertRejects(() => sample({ ...options, latents: listed }), TypeError, "latents must be a Float32Array");
  const short = () => new Float32Array(5);
  await assertRejects(() => sample({ ...options, evaluate: short }), RangeError, "evaluate() must have");
  const learned = { ...options, plan: plans[4][0] };
  await assertRejects(() => sample(learned), RangeError, "out must have 24 elements, received 12");
});

Deno.test("applyRow gives the same in place and apart, and reads x0Previous before it writes x0", () => {
  const row = plans[3][0].rows[3];
  assert(row.h !== 0);
  const make = (step: number) => fillNormal(new Float32Array(LENGTH), { seed: 1, sample: 0, step });
  const [x, out, x0Previous] = [make(0), make(1), make(2)];
  const [x0, next] = [new Float32Array(LENGTH), new Float32Array(LENGTH)];
  applyRow(row, { x, out, x0, x0Previous, next });
  assertEquals([x, x0Previous], [make(0), make(2)]);
  applyRow(row, { x, out, x0: x0Previous });
  assertEquals([x, x0Previous], [next, x0]);
});

Deno.test("applyRow without a learned variance ignores the second half of 2C channels", async () => {
  for (const [plan] of plans.slice(0, 4)) {
    const plain = await sample({ plan, shape: shape(2), evaluate });
    assertEquals(await sample({ plan, shape: shape(2), evaluate: wide }), plain);
  }
});

Deno.test("applyRow clamps x0 to ±clip", () => {
  const row: PlanRow = { timestep: 0, p: 0, q: 1, a: 0, b: 1, h: 0, c: 0, clip: 0.5 };
  const x = new Float32Array(3);
  applyRow(row, { x, out: Float32Array.of(-2, 0.25, 3), x0: new Float32Array(3) });
  assertEquals(x, Float32Array.of(-0.5, 0.25, 0.5));
});

Deno.test("applyRow refuses arrays that do not fit and names them", () => {
  const row: PlanRow = { timestep: 0, p: 1, q: 1, a: 1, b: 1, h: 0, c: 0, clip: 1 };
  const noisy = { ...row, c: 1 };
  const learned: PlanRow = { ...row, variance: { kind: "learned", minLog: -2, maxLog: -1 } };
  const of = (length: number) => new Float32Array(length);
  const base = () => ({ x: of(4), out: of(4), x0: of(4) });
  assertThrows(() => applyRow(row, { ...base(), out: of(3) }), RangeError, "out must have 8 elements, received 3");
  assertThrows(() => applyRow(row, { ...base(), x0: of(3) }), RangeError, "x0 must have 4 elements");
  assertThrows(() => applyRow(row, { ...base(), next: of(3) }), RangeError, "next must have 4 elements");
  assertThrows(() => applyRow(noisy, base()), TypeError, "z must be a Float32Array");
  assertThrows(() => applyRow(noisy, { ...base(), z: of(5) }), RangeError, "z must have 4 elements");
  assertThrows(() => applyRow({ ...row, h: 1 }, { ...base(), x0Previous: of(5) }), RangeError, "x0Previous");
  assertThrows(() => applyRow(learned, { ...base(), z: of(4) }), RangeError, "out must have 8 elements, received 4");
  assertThrows(() => applyRow(learned, { ...base(), out: of(8), z: of(4) }), TypeError, "channels must be a number");
  assertThrows(
    () => applyRow(learned, { ...base(), out: of(8), z: of(4), channels: 3 }),
    RangeError,
    "channels must divide the 4 elements of x, received 3",
  );
});
