import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { decodePng } from "../../formats/decode_png.ts";
import { run, testCommandLine } from "../run_main.ts";
import { prepareColours } from "./colours.ts";

const MODEL = "tests/fixtures/tiny-model";

testCommandLine("evaluate --metric nearest tells copies from new images, and draws the pairs", async (folder) => {
  const data = await prepareColours(folder, { each: 4 });
  const evaluate = (...args: string[]) =>
    run(
      "evaluate",
      "--data",
      data,
      "--engine",
      "wasm",
      "--metric",
      "nearest",
      "--cache",
      join(folder, "cache"),
      ...args,
    );

  // A set against itself, and beside images of one class that are as near.
  const own = await evaluate("--samples", data, "--held-out", data, "--out", join(folder, "own"), "--json");
  assertEquals(own.code, 0, own.stderr);
  const { nearest, model } = JSON.parse(own.stdout);
  assertEquals([model, nearest.samples.images, nearest.samples.median, nearest.heldOut.median], [null, 12, 0, 0]);
  assertEquals([nearest.learned.images, nearest.nearerThanOnePercentOfHeldOut], [12, 0]);
  assertEquals(
    nearest.closest.map(({ sample, learned }: Record<string, number>) => sample - learned),
    Array(12).fill(0),
  );

  // A model's own.
  const out = join(folder, "drawn");
  const drawn = await evaluate("--model", MODEL, "--steps", "3", "-n", "5", "--held-out", data, "--out", out);
  assertEquals(drawn.code, 0, drawn.stderr);
  assertStringIncludes(drawn.stdout, "0.0 % of the samples are nearer than 1 % of the held-out images");
  const lines = (await Deno.readTextFile(join(out, "nearest.csv"))).trimEnd().split("\n");
  assertEquals([lines.length, lines[0]], [6, "sample,nearest,rmse"]);
  const { width, height } = decodePng(await Deno.readFile(join(out, "nearest.png")));
  assertEquals(width > 100 && height > 100, true);
});

testCommandLine("evaluate --metric nearest refuses images of another kind in one line", async (folder) => {
  const data = await prepareColours(folder);
  const { code, stderr } = await run(
    ...["evaluate", "--metric", "nearest", "--samples", data, "--data", "mnist-test", "--engine", "wasm"],
    ...["--out", join(folder, "out"), "--cache", join(folder, "cache")],
  );
  assertEquals(code, 2);
  assertStringIncludes(stderr, "--data must be images of 8×8");
});
