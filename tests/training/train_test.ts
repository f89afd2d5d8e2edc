import { assertEquals, assertGreater, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadPipeline } from "../../model/pipeline.ts";
import { encodeSafetensors, parseSafetensors } from "../../model/safetensors.ts";
import { writeDigests } from "../../training/digest.ts";
import { DIVERGED } from "../../training/errors.ts";
import { encodePng } from "../../formats/png.ts";
import { exists } from "../../files/exists.ts";
import { ended, executable, run, start, testCommandLine } from "../commands/run_main.ts";
import { DENO_RUN } from "../deno_run.ts";
import { decodePng } from "../formats/decode_png.ts";

const MNIST = ["train", "--preset", "tiny", "--batch", "8", "--warmup", "5"];
// Its sample grids take 10 steps, not 1,000.
const TINY = [...MNIST, "--data", "mnist-test", "--timesteps", "10"];

interface Line {
  step: number;
  loss: number;
  /** What a clock measured. */
  timing?: unknown;
}

const metricsOf = async (folder: string): Promise<Line[]> =>
  (await Deno.readTextFile(join(folder, "metrics.jsonl"))).trim().split("\n").map((line) => JSON.parse(line));

const mean = (lines: Line[]): number => lines.reduce((sum, { loss }) => sum + loss, 0) / lines.length;

const filesOf = async (folder: string, at = ""): Promise<string[]> => {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, at))) {
    const path = join(at, name);
    found.push(...(isDirectory ? await filesOf(folder, path) : [path]));
  }
  return found.sort();
};

testCommandLine("train: on MNIST the loss falls, and the run folder holds all that it promises", async (folder) => {
  const out = join(folder, "run");
  const { code, stdout, stderr } = await run(
    ...[...MNIST, "--steps", "80", "--checkpoint-every", "40", "--sample-every", "80", "--keep", "1", "--out", out],
  );
  assertEquals(stderr, "");
  assertEquals(code, 0);

  const metrics = await metricsOf(out);
  assertEquals(metrics.map(({ step }) => step), Array.from({ length: 80 }, (_, i) => i + 1));
  // ε_θ starts at 0, so the first loss is the noise's variance; a network that learns nothing stays there.
  assertLess(Math.abs(metrics[0].loss - 1), 0.1);
  assertLess(mean(metrics.slice(-10)), 0.6);

  const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const statuses = events.filter(({ event }) => event === "status").map(({ message }) => message);
  assertEquals(statuses, [
    "reading the images of mnist",
    "starting the engine",
    "compiling the network: the first step takes longer",
  ]);
  assertEquals(events.find(({ event }) => event !== "status"), { event: "start", run: out, steps: 80, engine: "wasm" });
  assertEquals(events.filter(({ event }) => event === "checkpoint").map(({ step }) => step), [40, 80]);
  assertEquals(events.at(-1), { event: "done", step: 80, folder: `${out}/checkpoints/step-80` });

  assertEquals(await Deno.readTextFile(join(out, "latest")), "checkpoints/step-80\n");
  assertEquals((await Array.fromAsync(Deno.readDir(join(out, "checkpoints")))).map(({ name }) => name), ["step-80"]);
  const { labels, nullLabel, scheduler, unet } = await loadPipeline(join(out, "checkpoints", "step-80"));
  assertEquals([labels?.length, nullLabel, unet.num_class_embeds], [10, 10, 11]);
  assertEquals(scheduler.beta_schedule, "linear");
  const { width, height } = decodePng(await Deno.readFile(join(out, "samples", "step-000080.png")));
  assertEquals([width, height], [10 * 34 + 2, 2 * 34 + 2]);
});

testCommandLine("train: a resumed run ends with the very bits of one that was never interrupted", async (folder) => {
  const whole = join(folder, "whole"), parts = join(folder, "parts");
  const options = ["--checkpoint-every", "3", "--sample-every", "6", "--schedule", "cosine"];
  const [all, first] = await Promise.all([
    run(...TINY, ...options, "--steps", "6", "--out", whole),
    run(...TINY, ...options, "--steps", "3", "--out", parts),
  ]);
  assertEquals([all.code, first.code], [0, 0]);
  assertEquals((await run("train", "--resume", parts, "--steps", "6")).code, 0);

  const at = "checkpoints/step-6";
  const files = await filesOf(join(whole, at));
  assertGreater(files.length, 7);
  for (const file of files) {
    const [a, b] = await Promise.all([whole, parts].map((run) => Deno.readFile(join(run, at, file))));
    assertEquals(a, b, file);
  }
  const untimed = async (run: string) => (await metricsOf(run)).map((line) => ({ ...line, timing: undefined }));
  assertEquals(await untimed(whole), await untimed(parts));
  const last = "samples/step-000006.png";
  assertEquals(await Deno.readFile(join(whole, last)), await Deno.readFile(join(parts, last)));
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  testCommandLine(`train: ${signal} writes a checkpoint, says how to resume and exits 0`, async (folder) => {
    const out = join(folder, "run");
    const child = start(...TINY, "--steps", "100000", "--out", out);
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (!text.includes("progress") && chunk.includes("progress")) child.kill(signal);
      text += chunk;
    }
    assertEquals((await child.status).code, 0);
    await child.stderr.cancel();
    const last = JSON.parse(text.trim().split("\n").at(-1)!);
    assertEquals(last, { event: "stopped", step: last.step, resume: `deno task train --resume ${out}` });
    await loadPipeline(join(out, "checkpoints", `step-${last.step}`));
    assertEquals((await metricsOf(out)).length, last.step);
  });
}

testCommandLine("train --stop-at-eof: the end of standard input stops it with a checkpoint", async (folder) => {
  const out = join(folder, "run");
  const { code, stdout } = await run(...TINY, "--steps", "100000", "--stop-at-eof", "--out", out);
  assertEquals(code, 0);
  assertStringIncludes(stdout, `"resume":"deno task train --resume ${out}"`);
  assertMatch(await Deno.readTextFile(join(out, "latest")), /^checkpoints\/step-\d+\n$/);
});

testCommandLine(
  "train --options-from-stdin: values are taken as they are, whatever text is in them",
  async (folder) => {
    const data = join(folder, "pictures"), out = join(folder, "run");
    for (const [i, name] of ["0,1", "0", "--lr=1", "ü😀"].entries()) {
      await Deno.mkdir(join(data, name), { recursive: true });
      const picture = { data: new Uint8Array(8 * 8).fill(60 * i), height: 8, width: 8, channels: 1 } as const;
      await Deno.writeFile(join(data, name, "a.png"), encodePng(picture));
    }
    const start = (line: string, ...args: string[]) => {
      const child = new Deno.Command(executable!, {
        args: [...DENO_RUN, "--allow-read=.", "--allow-write=runs,data/.prepared", "main.ts", "train", ...args],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      return new Blob([line]).stream().pipeTo(child.stdin).then(() => ended(child));
    };
    const options = { data, out, preset: "tiny", engine: "wasm", batch: 2, steps: 1, timesteps: 10 };
    const line = `${JSON.stringify({ ...options, classes: ["ü😀", "0,1", "--lr=1"] })}\n`;
    const { code, stderr } = await start(line, "--options-from-stdin");
    assertEquals([code, stderr], [0, ""]);
    const { labels } = await loadPipeline(join(out, "checkpoints", "step-1"));
    assertEquals(labels, ["--lr=1", "0,1", "ü😀"]);

    const refused: [line: string, args: string[], says: string][] = [
      [line, ["--options-from-stdin", "--steps", "3"], "--steps must be left out with --options-from-stdin"],
      ["", ["--options-from-stdin"], "standard input must begin with a line of JSON"],
      ["{]\n", ["--options-from-stdin"], "standard input must begin with a line of JSON"],
      ['{"batch": 0}\n', ["--options-from-stdin"], "batch on standard input: "],
    ];
    for (const [line, args, says] of refused) {
      const { code, stdout, stderr } = await start(line, ...args);
      assertEquals([code, stdout], [2, ""], says);
      assertStringIncludes(stderr, says);
    }
  },
);

testCommandLine("train: a stop within a step leaves it undone, and resuming loses no bit by it", async (folder) => {
  const whole = join(folder, "whole"), parts = join(folder, "parts");
  const options = ["--batch", "48", "--micro-batch", "1", "--timestep-sampling", "importance", "--steps", "3"];
  const recipe = ["train", "--preset", "tiny", "--data", "mnist-test", "--timesteps", "10", ...options];
  const all = run(...recipe, "--out", whole);
  const child = start(...recipe, "--out", parts);
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    // The second step has begun by then, and takes 48 calls of the network.
    if (!text.includes("progress") && chunk.includes("progress")) child.kill("SIGTERM");
    text += chunk;
  }
  await child.stderr.cancel();
  assertEquals([(await child.status).code, JSON.parse(text.trim().split("\n").at(-1)!).step], [0, 1]);
  assertEquals([(await run("train", "--resume", parts)).code, (await all).code], [0, 0]);
  for (const file of await filesOf(join(whole, "checkpoints/step-3"))) {
    const [a, b] = await Promise.all([whole, parts].map((run) => Deno.readFile(join(run, "checkpoints/step-3", file))));
    assertEquals(a, b, file);
  }
});

testCommandLine("train: what would take more than it may is refused before any work", async (folder) => {
  const out = join(folder, "run");
  const refused: [string[], string][] = [
    [["--batch", "65536", "--memory", "8"], "--batch must be chosen so that training takes at most 8.00 GB of memory"],
    [
      ["--size", "4096", "--disk", "8"],
      "--size must be chosen so that training takes at most 8.00 GB of disk, not about",
    ],
    [["--size", "4095"], "--size must be what fits the network"],
  ];
  for (const [options, says] of refused) {
    const { code, stdout, stderr } = await run("train", "--engine", "wasm", "--out", out, ...options);
    assertEquals([code, stdout], [2, ""], says);
    assertStringIncludes(stderr, says);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
  assertEquals(await exists(out), false);
});

testCommandLine("train: what cannot work ends with code 2 and one line", async (folder) => {
  const out = join(folder, "run");
  await Deno.mkdir(out);
  await Deno.writeTextFile(join(out, "config.json"), "{}\n");
  const refused: [string[], string][] = [
    [["--out", out], `Cannot start a run in ${out}: there is one`],
    [["--resume", join(folder, "none")], "config.json: there is no such file"],
    [["--resume", out], `Cannot resume ${out}: ${out}/config.json: it is no recipe of this program`],
    [["--resume", out, "--lr", "0.1"], "--lr must be left out with --resume"],
    [["--resume", out, "--out", folder], "--out must be left out with --resume"],
    [["--schedule", "cubic"], "--schedule must be one of linear, cosine"],
    [
      ["--schedule", "jsd"],
      '--prediction must be sample or v_prediction with the schedule jsd, whose x_T holds no signal, received "epsilon"',
    ],
    [["--timesteps", "1"], "--timesteps must be an integer in [2, 100000]"],
    [["--lr", "0"], "--lr must be a number in (0, 1]"],
  ];
  await Promise.all(refused.map(async ([options, message]) => {
    const { code, stdout, stderr } = await run("train", ...options);
    assertEquals([code, stdout.replaceAll(/^\{"event":"status",.*\n/gm, "")], [2, ""], options.join(" "));
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }));
});

testCommandLine(
  "train: a loss that is no number ends the run in one line and leaves its checkpoint",
  async (folder) => {
    const out = join(folder, "run");
    assertEquals((await run(...MNIST, "--steps", "1", "--out", out)).code, 0);
    const file = join(out, "checkpoints/step-1/training_state/weights.safetensors");
    const weights = parseSafetensors(await Deno.readFile(file));
    // Finite, and too large for what the network makes of them.
    weights.get("conv_in.bias")!.data.fill(3e38);
    await Deno.writeFile(file, encodeSafetensors(weights));
    writeDigests(join(out, "checkpoints/step-1"));

    const { code, stderr } = await run("train", "--resume", out, "--steps", "5");
    assertEquals(code, DIVERGED);
    assertStringIncludes(stderr, `Cannot go on: the loss became NaN at step 2; the last checkpoint is ${out}`);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
    assertEquals(await Deno.readTextFile(join(out, "latest")), "checkpoints/step-1\n");
  },
);
