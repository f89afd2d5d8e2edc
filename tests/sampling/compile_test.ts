import { assertEquals, assertThrows } from "@std/assert";
import { compileTask } from "../../sampling/compile.ts";
import { ParameterError, ScheduleError } from "../../sampling/errors.ts";
import type { ResolvedSampling } from "../../sampling/parameters.ts";
import type { SamplingRequest } from "../../sampling/request.ts";
import { createScheduler } from "../../serving/scheduler.ts";
import { fakeModel } from "../serving/fake_model.ts";
import { drawAlone } from "./reference.ts";

const sampling: ResolvedSampling = { n: 3, seed: 5, sampler: "ddpm", steps: 10, guidance: 1, labels: [1, 4, 7] };
const one: ResolvedSampling = { ...sampling, n: 1, labels: [1] };
const image = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i));
const other = Float32Array.from({ length: 48 }, (_, i) => Math.cos(3 * i));
const mask = Float32Array.from({ length: 16 }, (_, i) => i % 4 / 3);
const lambdas = [0, 0.3, 1];

const requests: Record<string, SamplingRequest> = {
  "generate by ddpm": { kind: "generate", sampling },
  "generate by ddim with noise": { kind: "generate", sampling: { ...sampling, sampler: "ddim", eta: 0.5 } },
  "generate by heun": { kind: "generate", sampling: { ...sampling, sampler: "heun" } },
  "generate by dpmsolver++": { kind: "generate", sampling: { ...sampling, sampler: "dpmsolver++" } },
  "generate with guidance": { kind: "generate", sampling: { ...sampling, guidance: 3 } },
  "img2img by ddpm": { kind: "img2img", sampling, image, t: 57 },
  "img2img by heun": { kind: "img2img", sampling: { ...sampling, sampler: "heun" }, image, t: 57 },
  "img2img by dpmsolver++": { kind: "img2img", sampling: { ...sampling, sampler: "dpmsolver++" }, image, t: 57 },
  "img2img from the lowest timestep": { kind: "img2img", sampling, image, t: 0 },
  "inpaint with jumps": { kind: "inpaint", sampling, image, mask, jumpLength: 2, jumpSamples: 3 },
  "inpaint by ddim": {
    kind: "inpaint",
    sampling: { ...sampling, sampler: "ddim" },
    image,
    mask,
    jumpLength: 1,
    jumpSamples: 1,
  },
  "interpolate two images": {
    kind: "interpolate",
    sampling,
    sources: [{ image }, { image: other }],
    t: 50,
    lambdas,
    method: "linear",
  },
  "interpolate two seeds": {
    kind: "interpolate",
    sampling: { ...sampling, sampler: "ddim" },
    sources: [{ seed: 3 }, { seed: 8 }],
    t: 50,
    lambdas,
    method: "spherical",
  },
  "reconstruct": { kind: "reconstruct", sampling: { ...one, sampler: "ddim" }, image },
};

for (const learned of [false, true]) {
  for (const [name, request] of Object.entries(requests)) {
    const title = `scheduler: ${name} gives what core's loop gives, bit for bit`;
    Deno.test(title + (learned ? ", with a learned variance" : ""), async () => {
      const model = fakeModel({ learned });
      const alone = await drawAlone(request, model);
      const scheduler = createScheduler(model.network, { nullLabel: model.nullLabel });
      assertEquals(await scheduler.submit(compileTask(request, model.target)), alone);
    });
  }
}

const { target } = fakeModel();
const compile = (request: SamplingRequest) => compileTask(request, target);

Deno.test("compileTask counts the steps that ask the network, and leaves those above t out", () => {
  assertEquals(compile({ kind: "generate", sampling }).steps, 10);
  assertEquals(compile({ kind: "generate", sampling: { ...sampling, sampler: "heun" } }).steps, 19);
  const { operations } = compile({ kind: "img2img", sampling, image, t: 57 });
  assertEquals(operations.map(({ row }) => row!.timestep), [57, 50, 40, 30, 20, 10, 0]);
  assertEquals(compile(requests.reconstruct).steps, 20);
  // Down through 10 steps, and 4 returns by 2 from each of the levels 0, 2, 4 and 6.
  const inpaint = compile({ kind: "inpaint", sampling, image, mask, jumpLength: 2, jumpSamples: 5 });
  assertEquals([inpaint.steps, inpaint.operations.length], [10 + 4 * 4 * 2, 10 + 2 * 4 * 4 * 2]);
});

Deno.test("compileTask: img2img from the top starts from nearly what generate starts from", () => {
  const from = compile({ kind: "img2img", sampling, image: new Float32Array(48), t: 99 }).start(1);
  const noise = compile({ kind: "generate", sampling }).start(1);
  from.forEach((value, i) =>
    assertEquals(value, Math.fround(target.diffusion.sqrtOneMinusAlphasCumprod[99] * noise[i]))
  );
});

Deno.test("compileTask: the ends of an interpolation of seeds are what the seeds alone start from", () => {
  const { start } = compile(requests["interpolate two seeds"]);
  const alone = (seed: number) => compile({ kind: "generate", sampling: { ...one, seed } }).start(0);
  assertEquals([start(0), start(2)], [alone(3), alone(8)]);
});

const refused = (request: SamplingRequest, model = target) =>
  assertThrows(() => compileTask(request, model), ParameterError).issues.map(({ field }) => field);

Deno.test("compileTask refuses what would fail others' network call, and what no kind can do, by name", () => {
  const generate = (changes: Partial<ResolvedSampling>): SamplingRequest => ({
    kind: "generate",
    sampling: { ...sampling, ...changes },
  });
  assertEquals(refused(generate({ labels: null })), ["labels"]);
  assertEquals(refused(generate({ labels: [1, 2] })), ["labels"]);
  assertEquals(refused(generate({ labels: [1, 2, 11] })), ["labels"]);
  assertEquals(refused(generate({}), { ...target, numClasses: null }), ["labels"]);
  assertEquals(refused(generate({ n: 0, labels: [] })), ["n"]);
  assertEquals(refused(generate({ seed: -1 })), ["seed"]);
  assertEquals(refused(generate({ seed: 0.5 })), ["seed"]);
  for (const t of [-1, 100, 1.5, NaN]) assertEquals(refused({ kind: "img2img", sampling, image, t }), ["t"]);

  const interpolate = (changes: object) =>
    refused({ ...requests["interpolate two images"], ...changes } as SamplingRequest);
  assertEquals(interpolate({ lambdas: [0, 1] }), ["lambdas"]);
  assertEquals(interpolate({ lambdas: [0, 1, 1.1] }), ["lambdas"]);
  assertEquals(interpolate({ lambdas: [0, NaN, 1] }), ["lambdas"]);
  assertEquals(interpolate({ sources: [{ image }, { seed: 3 }] }), ["sources"]);
  assertEquals(interpolate({ sources: [{ seed: -3 }, { seed: 3 }] }), ["seed"]);

  const inpaint = (changes: object) => refused({ ...requests["inpaint with jumps"], ...changes } as SamplingRequest);
  assertEquals(inpaint({ sampling: { ...sampling, sampler: "heun" } }), ["sampler"]);
  assertEquals(inpaint({ jumpLength: 0 }), ["jumpLength"]);
  assertEquals(inpaint({ jumpSamples: 1e9 }), ["jumpSamples"]);

  assertEquals(refused({ kind: "reconstruct", sampling, image }), ["sampler", "n"]);
  assertEquals(refused({ kind: "reconstruct", sampling: { ...one, sampler: "ddim", eta: 1 }, image }), ["eta"]);
});

Deno.test("compileTask refuses images and masks that are not the model's, and more steps than the schedule has", () => {
  const small = new Float32Array(47);
  assertThrows(() => compile({ kind: "img2img", sampling, image: small, t: 5 }), RangeError, "image must have 48");
  const spoilt = new Float32Array(48).fill(NaN, 40);
  assertThrows(
    () => compile({ kind: "img2img", sampling, image: spoilt, t: 5 }),
    RangeError,
    "image must have finite values, received 8 that are not",
  );
  const inpaint = { ...requests["inpaint with jumps"], mask: new Float32Array(48) } as SamplingRequest;
  assertThrows(() => compile(inpaint), RangeError, "mask must have 16");
  assertThrows(() => compile({ kind: "generate", sampling: { ...sampling, steps: 101 } }), ScheduleError, "steps must");
  assertThrows(
    () => compile({ kind: "img2img", sampling: { ...sampling, steps: 101 }, image, t: 5 }),
    ScheduleError,
    "steps must",
  );
});
