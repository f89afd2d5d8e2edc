import { assert, assertEquals, assertThrows } from "@std/assert";
import { ParameterError } from "../../sampling/errors.ts";
import { type ModelLimits, randomSeed, resolveSampling, samplingParameters } from "../../sampling/parameters.ts";

const digits: ModelLimits = {
  timesteps: 1000,
  labels: ["nought", "3", "two", "three"],
  nullLabel: 4,
};
const plain: ModelLimits = { timesteps: 20, labels: null, nullLabel: null };

const resolve = (parameters: unknown, model = digits) => resolveSampling(samplingParameters.parse(parameters), model);
const refused = (parameters: unknown, model?: ModelLimits) =>
  assertThrows(() => resolve(parameters, model), ParameterError).issues.map(({ field }) => field);

Deno.test("resolveSampling: 50 steps, or T if it is smaller; one image; a random seed that is reported", () => {
  const resolved = resolve({});
  assertEquals([resolved.steps, resolved.n, resolved.sampler, resolved.guidance], [50, 1, "ddpm", 1]);
  assert(Number.isSafeInteger(resolved.seed) && resolved.seed >= 0);
  assertEquals(resolve({ seed: 0 }).seed, 0);
  assertEquals(resolve({}, plain).steps, 20);
});

Deno.test("resolveSampling: images cycle through the classes, or share the one named", () => {
  assertEquals(resolve({ n: 6 }).labels, [0, 1, 2, 3, 0, 1]);
  assertEquals(resolve({ n: 3, first: 2 }).labels, [2, 3, 0]);
  assertEquals(resolve({ n: 2, label: "two" }).labels, [2, 2]);
  assertEquals(resolve({ label: 3 }).labels, [3]);
  assertEquals(resolve({ label: "0" }).labels, [0]);
  assertEquals(resolve({ n: 6 }, plain).labels, null);
});

Deno.test("resolveSampling: a text that is a class's name is that class, not an index", () => {
  assertEquals(resolve({ label: "3" }).labels, [1]);
});

Deno.test("resolveSampling: what the model or the sampler cannot do is refused by name", () => {
  assertEquals(refused({ steps: 1001 }), ["steps"]);
  assertEquals(refused({ steps: 21 }, plain), ["steps"]);
  assertEquals(refused({ eta: 0 }), ["eta"]);
  assertEquals(refused({ variance: "fixed_small", sampler: "heun" }), ["variance"]);
  assertEquals(refused({ label: "four" }), ["label"]);
  assertEquals(refused({ label: 4 }), ["label"]);
  assertEquals(refused({ label: 0 }, plain), ["label"]);
  assertEquals(refused({ guidance: 0 }, plain), ["guidance"]);
  assertEquals(refused({ steps: 1001, eta: 1, label: "four" }), ["steps", "eta", "label"]);
});

Deno.test("samplingParameters: an unknown parameter is refused", () => {
  assertEquals(samplingParameters.safeParse({ step: 5 }).error?.issues[0].code, "unrecognized_keys");
});

Deno.test("randomSeed: draws are safe integers, spread over 53 bits", () => {
  const seeds = Array.from({ length: 1000 }, randomSeed);
  assert(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0));
  assertEquals(new Set(seeds).size, 1000);
  assert(seeds.some((seed) => seed > 2 ** 52) && seeds.some((seed) => seed < 2 ** 52));
});
