import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type CardLimits, NO_CARD, parseCard } from "../../model/card.ts";
import { loadPipeline, type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { writingTest } from "./temporary_folder.ts";

const MODEL = "tests/fixtures/tiny-model";
const LIMITS: CardLimits = { timesteps: 1000, nullLabel: 10 };

const card = (parameters: string, limits = LIMITS) =>
  parseCard(`---\nlicense: mit\ninference:\n  parameters: ${parameters}\n---\n\n# A model\n`, limits);

Deno.test("parseCard reads the sampler by diffusers' class, its steps, eta and the guidance", () => {
  const { metadata, recommended, unheeded } = card(
    "{scheduler: DPMSolverMultistepScheduler, num_inference_steps: 20, guidance_scale: 1.5}",
  );
  assertEquals(recommended, { sampler: "dpmsolver++", steps: 20, guidance: 1.5 });
  assertEquals([metadata.license, unheeded], ["mit", []]);
  assertEquals(card("{scheduler: DDIMScheduler, eta: 0.5}").recommended, { sampler: "ddim", eta: 0.5 });
  assertEquals(card("{scheduler: HeunDiscreteScheduler}").recommended, { sampler: "heun" });
  assertEquals(card("{num_inference_steps: 1000}").recommended, { steps: 1000 });
});

Deno.test("parseCard recommends nothing where the file says nothing", () => {
  const silent = [
    "",
    "# A model\n\n---\ninference: 5\n---\n",
    "---\n---\n# A model",
    "---\ninference: false\n---\n",
    "---\ninference: true\n---\n",
    "---\ninference:\n---\n",
    "---\ninference: {}\n---\n",
    "---\nnever ended: 1\n",
  ];
  for (const text of silent) {
    const { recommended, unheeded } = parseCard(text, LIMITS);
    assertEquals([recommended, unheeded], [{}, []], JSON.stringify(text));
  }
  const windows = "\uFEFF---\r\ninference:\r\n  parameters:\r\n    guidance_scale: 2\r\n---\r\n# A model\r\n";
  assertEquals(parseCard(windows, LIMITS).recommended, { guidance: 2 });
});

Deno.test("parseCard tells of each setting that is impossible and takes the others", () => {
  const tells = (parameters: string, entries: string[], recommended: unknown, limits = LIMITS) => {
    const read = card(parameters, limits);
    assertEquals([read.unheeded, read.recommended], [entries, recommended], parameters);
  };
  tells("{num_inference_steps: 5000, guidance_scale: 2}", [
    "inference.parameters.num_inference_steps 5000 (it must be an integer in [1, 1000])",
  ], { guidance: 2 });
  for (const steps of ["0", "1.5", "many", "[20]", "true"]) {
    assertEquals(card(`{num_inference_steps: ${steps}}`).recommended, {}, steps);
  }
  tells(
    "{guidance_scale: 2}",
    [
      "inference.parameters.guidance_scale 2 (it must be 1: this model was not trained for guidance)",
    ],
    {},
    { timesteps: 1000, nullLabel: null },
  );
  tells("{guidance_scale: .nan}", ["inference.parameters.guidance_scale null (it must be in [0, 20])"], {});
  tells("{eta: 0.5}", ["inference.parameters.eta 0.5 (it must be left out with DDPMScheduler)"], {});
  tells("{num_inference_step: 20}", [
    "inference.parameters.num_inference_step 20 (it must be left out: there is no such parameter)",
  ], {});
  tells("[20]", ["inference.parameters a list (it must be a mapping)"], {});
});

Deno.test("parseCard takes no steps of a sampler that it does not know", () => {
  const { recommended, unheeded } = card(
    "{scheduler: EulerDiscreteScheduler, num_inference_steps: 30, guidance_scale: 2}",
  );
  assertEquals(recommended, { guidance: 2 });
  assertEquals(unheeded.length, 1);
  assertStringIncludes(unheeded[0], 'inference.parameters.scheduler "EulerDiscreteScheduler" (it must be one of DDPM');
});

Deno.test("parseCard survives what is no YAML, or would take all memory, in one line", () => {
  const lines = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(i === 0 ? 0 : 9)}1]`).join(
    "\n",
  );
  for (const text of ["a: [1", "- 1\n- 2", "5", "a: b: c"]) {
    const { recommended, unheeded } = parseCard(`---\n${text}\n---\n`, LIMITS);
    assertEquals([recommended, unheeded.length], [{}, 1], text.slice(0, 20));
    assertMatch(unheeded[0], /^the YAML at its head \([^\n]+\)$/);
  }
  const bomb = `---\n${lines}\ninference: {parameters: {num_inference_steps: *a29, scheduler: *a29}}\n---\n`;
  assertEquals(parseCard(bomb, LIMITS).unheeded.map((line) => line.split(" (")[0]), [
    "inference.parameters.scheduler a list",
  ]);
});

const tell = async (folder: string) => {
  const notices: string[] = [];
  const { card } = await loadPipeline(folder, { notice: (message) => notices.push(message) });
  return { card, notices };
};

writingTest("loadPipeline reads the card, and tells in one line what it cannot follow", async (folder) => {
  const model: Pipeline = { ...await loadPipeline(MODEL), folder };
  await savePipeline(model);
  assertEquals(await tell(folder), { card: NO_CARD, notices: [] });
  const path = join(folder, "README.md");
  await Deno.writeTextFile(path, "---\ninference: {parameters: {num_inference_steps: 101, guidance_scale: 3}}\n---\n");
  const { card, notices } = await tell(folder);
  assertEquals(card!.recommended, { guidance: 3 });
  assertEquals(notices, [
    `${path} is not followed in inference.parameters.num_inference_steps 101 (it must be an integer in [1, 100])`,
  ]);
  await Deno.remove(path);
  await Deno.mkdir(path);
  assertEquals((await tell(folder)).notices.length, 1);
});

writingTest("savePipeline keeps what stands at the card's head: the licence, and how to sample", async (folder) => {
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  const model = await loadPipeline(MODEL);
  await savePipeline({ ...model, folder: from });
  const head = "license: mit\ninference:\n  parameters:\n    num_inference_steps: 20\n";
  await Deno.writeTextFile(join(from, "README.md"), `---\n${head}---\n\n# Of another place\n`);
  await savePipeline({ ...await loadPipeline(from), folder: to });
  assertEquals(await Deno.readTextFile(join(to, "README.md")), `---\n${head}---\n`);
  assertEquals((await loadPipeline(to)).card!.recommended, { steps: 20 });
});

Deno.test("the models that come with the program are sampled as their cards say", async () => {
  for (const name of ["digits", "emoji"]) {
    const { card, notices } = await tell(`models/${name}`);
    assertEquals(notices, []);
    assertEquals(Object.keys(card!.recommended).sort(), ["guidance", "sampler", "steps"], name);
  }
});
