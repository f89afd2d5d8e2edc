import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { compareRuns } from "../../bench/kill/check_runs.ts";
import { TRY_AGAIN } from "../../training/errors.ts";
import { run, start, testCommandLine } from "../commands/run_main.ts";
import { namesIn } from "./files_of.ts";

const TINY = [
  ...["train", "--preset", "tiny", "--batch", "4", "--warmup", "5", "--timesteps", "10", "--engine", "wasm"],
  ...["--checkpoint-every", "2", "--sample-every", "100"],
];

const eventsOf = (stdout: string): { event: string; step?: number; message?: string }[] =>
  stdout.trim().split("\n").map((line) => JSON.parse(line));

testCommandLine("train --resume: passes over a damaged checkpoint, says so, and loses no bit by it", async (folder) => {
  const whole = join(folder, "whole"), other = join(folder, "other");
  assertEquals((await run(...TINY, "--steps", "6", "--out", whole)).code, 0);
  assertEquals((await run(...TINY, "--steps", "4", "--out", other)).code, 0);
  const file = join(other, "checkpoints/step-4/training_state/weights.safetensors");
  const bytes = await Deno.readFile(file);
  bytes[bytes.length - 1] ^= 1;
  await Deno.writeFile(file, bytes);
  await Deno.writeTextFile(join(other, "samples/step-000005.png"), "of a step that is to come");

  const { code, stdout } = await run("train", "--resume", other, "--steps", "6");
  assertEquals(code, 0);
  const notices = eventsOf(stdout).filter(({ event }) => event === "notice").map(({ message }) => message);
  assertEquals(notices, [
    `Passed over ${other}/checkpoints/step-4: training_state/weights.safetensors: it is not as it was written`,
    `Going on from ${other}/checkpoints/step-2`,
  ]);
  // That it was to end at step 4 first is all that is left of it.
  assertEquals(compareRuns(whole, other).differences, ["config.json"]);
});

testCommandLine("train --resume: a run that has no checkpoint yet starts again, by its own recipe", async (folder) => {
  const whole = join(folder, "whole"), other = join(folder, "other");
  assertEquals((await run(...TINY, "--steps", "3", "--out", whole)).code, 0);
  assertEquals((await run(...TINY, "--steps", "3", "--out", other)).code, 0);
  for (const name of ["checkpoints", "samples", "latest", "metrics.jsonl"]) {
    await Deno.remove(join(other, name), { recursive: true });
  }
  const { code, stdout } = await run("train", "--resume", other);
  assertEquals(code, 0);
  assertEquals(eventsOf(stdout).at(-1)?.step, 3);
  assertEquals(compareRuns(whole, other).differences, []);
});

testCommandLine("train: two processes never train into one folder; a killed one is not in the way", async (folder) => {
  const out = join(folder, "run");
  const first = start(...TINY, "--steps", "100000", "--out", out);
  try {
    // As long as somebody listens, it goes on.
    for await (const text of first.stdout.pipeThrough(new TextDecoderStream())) {
      if (!text.includes('"checkpoint"')) continue;
      const { code, stderr } = await run("train", "--resume", out, "--steps", "4");
      const message = `Cannot train in ${out}: another process does; it holds the lock of ${out}/.lock`;
      assertEquals([code, stderr.trim()], [TRY_AGAIN, `error: ${message}`]);
      break;
    }
  } finally {
    first.kill("SIGKILL");
    await Promise.all([first.status, first.stderr.cancel()]);
  }
  const step = Number((await Deno.readTextFile(join(out, "latest"))).trim().split("-")[1]);
  const { code, stdout } = await run("train", "--resume", out, "--steps", `${step + 2}`);
  assertEquals(code, 0);
  assertEquals(eventsOf(stdout).at(-1)?.step, step + 2);
  assertEquals(namesIn(join(out, "checkpoints")).filter((name) => name.startsWith(".")), []);
});
