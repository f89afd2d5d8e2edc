import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodePng } from "../../formats/decode_png.ts";
import { run, start, testCommandLine } from "../run_main.ts";
import { prepareColours } from "./colours.ts";

const MODEL = "tests/fixtures/tiny-model";

testCommandLine(
  "evaluate prints one JSON document of the bound, and writes it with its CSV and picture",
  async (folder) => {
    const data = await prepareColours(folder);
    const out = join(folder, "out");
    const args = ["--model", MODEL, "--data", data, "--classes", "red,blue", "--engine", "wasm", "-n", "5"]
      .concat("--respacing", "4", "--out", out);
    const { code, stdout } = await run("evaluate", ...args, "--json");
    assertEquals(code, 0);
    const document = JSON.parse(stdout);
    assertEquals(document, JSON.parse(await Deno.readTextFile(join(out, "bpd.json"))));
    const { bpd } = document;
    assertEquals([document.model, bpd.images, bpd.imagesInData, bpd.steps, bpd.timesteps], [MODEL, 5, 6, 4, 100]);
    assertEquals([document.data, document.classes, document.size], [data, ["red", "blue"], null]);
    const { total, prior, middle, decoder } = bpd.bitsPerDim;
    assertAlmostEquals(total.mean, prior.mean + middle.mean + decoder.mean, 1e-9);
    assertEquals(bpd.terms.map(({ t }: { t: number }) => t), [0, 33, 66, 99]);
    const csv = (await Deno.readTextFile(join(out, "bpd.csv"))).trimEnd().split("\n");
    assertEquals([csv.length, csv[0].split(",").length, csv[0].split(",").slice(0, 3)], [
      5,
      11,
      ["t", "bits", "bits_standard_error"],
    ]);
    assertEquals(Number(csv[2].split(",")[1]), bpd.terms[1].bits.mean);
    const { width, height } = decodePng(await Deno.readFile(join(out, "bpd.png")));
    assertStringIncludes(
      await Deno.readTextFile(join(out, "bpd.svg")),
      `width="${width / 2}" height="${height / 2}" viewBox=`,
    );
  },
);

testCommandLine("evaluate says in one line what does not fit, and exits 2", async (folder) => {
  const data = await prepareColours(folder);
  const refuses = async (message: string, ...args: string[]) => {
    const { code, stdout, stderr } = await run("evaluate", "--out", join(folder, "out"), "--engine", "wasm", ...args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
    assertStringIncludes(stderr, message);
  };
  const own = ["--model", MODEL, "--data", data];
  await Promise.all([
    refuses("--n must be at most 9, the images of ", ...own, "-n", "10"),
    refuses("--data must be images of 8×8×3 for the model", "--model", MODEL, "--data", "mnist-test"),
    refuses("--respacing must be numbers of the model's 100 timesteps", ...own, "--respacing", "many"),
    refuses("--respacing must be numbers of the model's 100 timesteps", ...own, "--respacing", "101"),
    refuses("--metric must be a comma-separated list, each one of bpd", ...own, "--metric", "beauty"),
    refuses("there is no runs/none: data must be one of mnist", "--model", MODEL, "--data", "runs/none"),
  ]);
});

testCommandLine("evaluate keeps what it has at Ctrl-C, and goes on to the same document", async (folder) => {
  if (Deno.build.os === "windows") return;
  const data = await prepareColours(folder);
  const args = (out: string) =>
    ["evaluate", "--model", MODEL, "--data", data, "--engine", "wasm", "-n", "4", "--batch", "2", "--json"]
      .concat("--out", join(folder, out));
  const whole = await run(...args("whole"));
  const child = start(...args("broken"));
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"progress"')) text += (await reader.read()).value ?? "";
  child.kill("SIGINT");
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assertEquals([(await child.status).code, await new Response(child.stdout).text()], [130, ""]);
  assertStringIncludes(text, '"event":"stopped"');
  const { code, stdout, stderr } = await run(...args("broken"));
  assertEquals([code, stdout], [0, whole.stdout]);
  const steps = stderr.split("\n").filter((line) => line.includes('"progress"')).map((line) => JSON.parse(line).step);
  assertEquals(steps.length > 0 && steps[0] > 1, true, "it did not begin anew");
});

testCommandLine("evaluate measures all images where there are fewer than its default, and says so", async (folder) => {
  const data = await prepareColours(folder);
  const args = ["--model", MODEL, "--data", data, "--engine", "wasm", "--respacing", "2", "--out", join(folder, "out")];
  const { code, stdout, stderr } = await run("evaluate", ...args, "--json");
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout).bpd.images, 9);
  const notices = stderr.trim().split("\n").map((line) => JSON.parse(line)).filter(({ event }) => event === "notice");
  assertEquals(notices, [{ event: "notice", message: `--n is 9, all images of ${data}: its default is 256` }]);
});
