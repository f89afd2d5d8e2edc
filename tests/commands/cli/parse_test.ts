import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { UsageError } from "../../../commands/cli/command.ts";
import { parse } from "../../../commands/cli/options.ts";

const schema = z.strictObject({
  steps: z.int().min(1).max(1000).default(50).describe("Number of steps"),
  learningRate: z.number().gt(0).default(1e-4).describe("Step size"),
  sampler: z.enum(["ddpm", "ddim"]).default("ddpm").describe("Sampler"),
  timesteps: z.array(z.int()).optional().describe("Explicit list"),
  ema: z.boolean().default(true).describe("Average the weights"),
  shuffle: z.boolean().default(false).describe("Shuffle"),
  label: z.union([z.int(), z.string()]).optional().describe("Class"),
  size: z.union([z.literal("auto"), z.int()]).default("auto").describe("Size"),
  seed: z.int().nullable().default(null).describe("Seed"),
  out: z.string().default("grid.png").describe("File"),
});
const short = { steps: "s", out: "o" };
const read = (...args: string[]) => parse(args, schema, { short });
const refuses = (message: string, ...args: string[]) => assertThrows(() => read(...args), UsageError, message);

Deno.test("parse fills in every default", () => {
  assertEquals(read(), {
    steps: 50,
    learningRate: 1e-4,
    sampler: "ddpm",
    ema: true,
    shuffle: false,
    size: "auto",
    seed: null,
    out: "grid.png",
  });
});

Deno.test("parse reads kebab-case and one-letter flags, with = or a space, and turns text into numbers and lists", () => {
  const options = read("--learning-rate", "2e-3", "-s", "10", "-oa.png", "--timesteps=9,5,1", "--sampler=ddim");
  assertEquals([options.learningRate, options.steps, options.out, options.timesteps, options.sampler], [
    0.002,
    10,
    "a.png",
    [9, 5, 1],
    "ddim",
  ]);
});

Deno.test("parse joins a list that is given several times, and keeps text that looks like a number where text is meant", () => {
  assertEquals(read("--timesteps=9,5", "--timesteps", "1").timesteps, [9, 5, 1]);
  const named = z.object({ model: z.array(z.string().min(1)).default(["a"]) });
  assertEquals(parse([], named).model, ["a"]);
  assertEquals(parse(["-m", "b", "--model=7"], named, { short: { model: "m" } }).model, ["b", "7"]);
  assertThrows(() => parse(["--model=b,,c"], named), UsageError, "--model must be a comma-separated list, each text");
  // A comma within an entry.
  assertEquals(parse(["--model", "0\\,1,2", "--model=\\,"], named).model, ["0,1", "2", ","]);
});

Deno.test("parse switches booleans on, off by --no-, or by =true and =false", () => {
  assertEquals([read("--shuffle").shuffle, read("--no-ema").ema, read("--ema=false").ema], [true, false, false]);
  assertEquals(read("--shuffle=true").shuffle, true);
});

Deno.test("parse takes negative numbers for values, not for flags", () => {
  assertEquals([read("--seed", "-4").seed, read("--seed=-4").seed], [-4, -4]);
});

Deno.test("parse keeps digits as text where text is allowed, and turns them into numbers where only numbers are", () => {
  assertEquals([read("--label", "3").label, read("--label", "cat").label], ["3", "cat"]);
  assertEquals([read("--size", "64").size, read("--size", "auto").size], [64, "auto"]);
});

Deno.test("parse names the flag, what was received and what is allowed", () => {
  refuses('--steps must be an integer in [1, 1000], received "0"', "--steps", "0");
  refuses('--steps must be an integer in [1, 1000], received "2.5"', "--steps=2.5");
  refuses('--steps must be an integer in [1, 1000], received "ten"', "-s", "ten");
  refuses('--steps must be an integer in [1, 1000], received ""', "--steps=");
  refuses('--learning-rate must be a number > 0, received "-1"', "--learning-rate=-1");
  refuses('--sampler must be one of ddpm, ddim, received "euler"', "--sampler", "euler");
  refuses('--timesteps must be a comma-separated list, each an integer, received "1,x"', "--timesteps", "1,x");
  refuses('--ema must be true or false, received "maybe"', "--ema=maybe");
  refuses('--size must be auto or integer, received "big"', "--size=big");
});

Deno.test("parse suggests the nearest flag for one it does not know", () => {
  refuses("unknown option --step; did you mean --steps?", "--step", "4");
  refuses("unknown option --learningRate; did you mean --learning-rate?", "--learningRate=1");
  refuses("unknown option --smapler; did you mean --sampler?", "--smapler=ddim");
  refuses("unknown option --wholly-else (--help lists them)", "--wholly-else");
  refuses("unknown option -q", "-q");
});

Deno.test("parse refuses a missing value, a repeated flag and a loose argument", () => {
  refuses("--steps needs a value: an integer in [1, 1000]", "--steps");
  refuses("--out needs a value: text", "--out", "--steps", "3");
  refuses("--steps is given twice", "--steps", "3", "-s", "4");
  refuses("--ema is given twice", "--ema", "--no-ema");
  refuses("--no-ema takes no value", "--no-ema=3");
  refuses('unexpected argument "more"', "more");
});

Deno.test("parse says what a required option is for", () => {
  const needy = z.object({ resume: z.string().describe("Folder of the run") });
  assertThrows(() => parse([], needy), UsageError, "--resume is required: Folder of the run");
});

Deno.test("parse passes on what a refinement of the schema says", () => {
  const odd = z.object({ n: z.int().default(1).refine((n) => n % 2 === 1, "odd") });
  assertThrows(() => parse(["--n=2"], odd), UsageError, "--n must be odd");
  const given = z.object({ what: z.string().optional() }).superRefine(({ what }, context) => {
    if (what === undefined) context.addIssue({ code: "custom", path: ["what"], message: "given" });
  });
  assertThrows(() => parse([], given), UsageError, "--what must be given, received nothing");
});

Deno.test("parse reads positional arguments into the options they stand for", () => {
  const pull = z.object({ repo: z.string().describe("Repository"), out: z.string().optional() });
  const positionals = ["repo"] as const;
  assertEquals(parse(["a/b", "--out", "c"], pull, { positionals }), { repo: "a/b", out: "c" });
  assertEquals(parse(["--repo=a/b"], pull, { positionals }), { repo: "a/b" });
  assertThrows(() => parse(["a/b", "c/d"], pull, { positionals }), UsageError, 'unexpected argument "c/d"');
  assertThrows(() => parse(["--repo=a/b", "c/d"], pull, { positionals }), UsageError, "--repo is given twice");
  assertThrows(() => parse([], pull, { positionals }), UsageError, "--repo is required");
});
