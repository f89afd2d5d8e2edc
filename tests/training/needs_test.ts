import { assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ParameterError } from "../../sampling/errors.ts";
import { estimateRun, totalBytes } from "../../training/estimate.ts";
import { checkNeeds, type NeedLimits } from "../../training/needs.ts";
import { givenFields, type RecipeOptions, resolveRecipe } from "../../training/recipe.ts";
import { resolveModel } from "../../training/run_model.ts";

const LIMITS: NeedLimits = { memory: 24e9, disk: 80e9 };

const check = (options: RecipeOptions, limits = LIMITS) =>
  checkNeeds(resolveRecipe({ engine: "onnx", ...options }), limits, { given: givenFields(options) });

/** What is said of each field that is in the way. */
const refusalOf = async (options: RecipeOptions, limits?: NeedLimits) => {
  const error = await assertRejects(() => check(options, limits), ParameterError);
  return error.issues.map(({ field, received, allowed }) => [field, received, allowed] as const);
};

Deno.test("checkNeeds lets in what the presets ask for", async () => {
  for (const preset of ["tiny", "digits"] as const) await check({ preset });
  await check({ preset: "cifar10", data: "mnist" });
  await check({ preset: "celebahq256", data: "mnist", engine: "tensorflow" });
  await check({ init: "models/digits" });
});

Deno.test("checkNeeds refuses by the field that was chosen, with how much it takes and how much it may", async () => {
  const [memory, disk] = await refusalOf({ size: 4096 });
  assertEquals([memory[0], memory[1], disk[0], disk[1]], ["size", 4096, "size", 4096]);
  assertStringIncludes(memory[2], "at most 24.0 GB of memory, not about ");
  // 60000 × 4096² × 1.
  assertStringIncludes(
    disk[2],
    "at most 80.0 GB of disk, not about 1.01 TB (1.01 TB of it for 60000 images of 4096×4096",
  );

  const [[field, received, allowed], ...others] = await refusalOf({ batch: 65_536 });
  assertEquals([field, received, others], ["batch", 65_536, []]);
  // What it says would do does, and hardly more.
  const fitting = Number(/(\d+) images a network call/.exec(allowed)?.[1]);
  await check({ batch: fitting });
  await refusalOf({ batch: fitting + 1 });
  await check({ batch: 65_536, microBatch: 2 ** Math.floor(Math.log2(fitting)) });

  const asked: [RecipeOptions, string][] = [
    [{ microBatch: 4096, batch: 65_536, preset: "emoji", data: "mnist" }, "microBatch"],
    [{ steps: 100_000_000, sampleEvery: 1 }, "sampleEvery"],
    [{ steps: 100_000_000, sampleEvery: 1_000_000, tensorboard: true }, "steps"],
    [{ preset: "cifar10", data: "mnist", keep: 1000 }, "keep"],
    [{ init: "models/digits", batch: 65_536 }, "batch"],
  ];
  for (const [options, field] of asked) assertEquals((await refusalOf(options))[0][0], field, JSON.stringify(options));
});

Deno.test("checkNeeds refuses a size that fits no network, and classes that are not there, before anything is prepared", async () => {
  const [[field, received, allowed]] = await refusalOf({ size: 4095 });
  assertEquals([field, received], ["size", 4095]);
  assertStringIncludes(allowed, "sample_size must be a multiple of 8");
  assertEquals(await refusalOf({ classes: ["1", "0,1"] }), [
    ["classes", ["1", "0,1"], `of mnist's ${Array.from("0123456789", (digit) => `"${digit}"`).join(", ")}`],
  ]);
});

Deno.test("checkNeeds: what cannot be told is left to whoever opens it", async () => {
  assertEquals(await check({ data: "not-there", batch: 65_536 }), null);
  // Of what it starts from nothing is here; the data are.
  await check({ init: "not-there" });
  assertEquals((await refusalOf({ init: "not-there", size: 4096 })).map(([field]) => field), ["size"]);
});

/** Peaks of resident memory, in bytes, of two steps of training on two cores, each with its checkpoint and sample grid. */
const MEASURED = [
  ["tiny", "wasm", 8, 337e6],
  ["tiny", "wasm", 256, 3232e6],
  ["digits", "wasm", 32, 1019e6],
  ["digits", "wasm", 128, 3191e6],
  ["tiny", "onnx", 256, 1947e6],
  ["digits", "onnx", 32, 872e6],
  ["digits", "onnx", 512, 6691e6],
  ["cifar10", "onnx", 4, 2994e6],
  ["cifar10", "onnx", 16, 4748e6],
  ["digits", "tensorflow", 32, 816e6],
  ["digits", "tensorflow", 512, 3093e6],
  ["cifar10", "tensorflow", 4, 2996e6],
  ["cifar10", "tensorflow", 16, 3723e6],
] as const;

Deno.test("estimateRun is within a fifth of what trainings were measured to take", () => {
  const data = { count: 10_000, height: 32, width: 32, channels: 1, classNames: Array.from("0123456789") };
  for (const [preset, engine, batch, peak] of MEASURED) {
    const recipe = resolveRecipe({ preset, batch, data: "mnist-test", steps: 2 });
    const { unet } = resolveModel(recipe, data, null);
    const estimate = totalBytes(estimateRun(recipe, unet, data, engine).memory);
    assertAlmostEquals(estimate / peak, 1, 0.2, `${preset} ${engine} ${batch}: ${estimate / peak}`);
  }
});
