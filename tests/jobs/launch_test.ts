import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { isGranted } from "../../engine/permissions.ts";
import { launchTraining, trainingCommand } from "../../jobs/launch.ts";
import type { TrainingEvent } from "../../training/events.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));
const program = [
  "node_modules",
  "core",
  "datasets",
  "engine",
  "files",
  "formats",
  "jobs",
  "model",
  "sampling",
  "training",
];
const NO_SECRETS = {
  DATABASE_URL: "",
  DENOISE_API_KEYS: "",
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_SESSION_TOKEN: "",
};
const main = new URL("../fixtures/fake_trainer.ts", import.meta.url);

Deno.test("trainingCommand: options are one line of JSON for standard input, whatever text is in them, and no words", () => {
  const options = { out: "runs/a", batch: 8, lr: 1e-4, flip: false, classes: ["0,1", "--resume", "a\nb", "ﬁ😀", "1"] };
  const { args, line } = trainingCommand({ ...options, engine: "wasm", steps: null }, { lease: true });
  assertEquals(JSON.parse(line), { ...options, engine: "wasm", lease: true });
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(args.slice(args.indexOf("train")), ["train", "--options-from-stdin"]);
});

const reasonNotToGrant = reasonNotToWrite || (isGranted({ name: "ffi", path: "runs" }) ? "" : "needs --allow-ffi=runs");

writingTest("trainingCommand grants the library that was named, and nothing beside its folder", async (folder) => {
  const inside = join(folder, "lib");
  const file = join(inside, Deno.build.os === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2");
  await Deno.mkdir(inside);
  await Deno.writeTextFile(file, "");
  for (const engine of ["auto", "tensorflow"]) {
    const { args, env, line } = trainingCommand({ engine, out: "runs/a" }, { tensorflow: folder });
    assert(args.includes(`--allow-ffi=${inside}`), `${args}`);
    const read = args.find((arg) => arg.startsWith("--allow-read="))!;
    assert(read.endsWith(`,runs/a,${inside}`), read);
    assertEquals(JSON.parse(line).tensorflow, file);
    assertEquals(env, { NO_COLOR: "1", ...NO_SECRETS });
  }
}, reasonNotToGrant);

writingTest("trainingCommand lets a job on another engine load no library", async (folder) => {
  await Deno.writeTextFile(join(folder, "libtensorflow_cc.so.2"), "");
  const named = { tensorflow: folder, read: ["data/x"] };
  const { args, env, line } = trainingCommand({ engine: "wasm", out: "runs/a,b" }, named);
  assertEquals([args.filter((arg) => arg.startsWith("--allow-ffi")), JSON.parse(line).tensorflow], [[], undefined]);
  assertEquals(args.filter((arg) => arg.startsWith("--allow-")), [
    `--allow-read=${program.map((name) => join(root, name))},runs/a,,b,data/x`,
    "--allow-write=runs/a,,b",
    "--allow-env=XDG_RUNTIME_DIR",
  ]);
  assertEquals(env, { NO_COLOR: "1", ...NO_SECRETS });
});

Deno.test("trainingCommand lets a job on onnx load that runtime, and forbid it telemetry", () => {
  const { args } = trainingCommand({ engine: "onnx", out: "runs/a" });
  const folder = join(Deno.cwd(), ".onnxruntime");
  const library = Deno.realPathSync(join(root, "node_modules/onnxruntime-node"));
  assertEquals(args.filter((arg) => /^--allow-(ffi|env)/.test(arg)), [
    "--allow-env=XDG_RUNTIME_DIR,ORT_DISABLE_TELEMETRY",
    `--allow-ffi=${library},${folder}`,
  ]);
});

Deno.test("launchTraining: events arrive in order, though a line comes in pieces and others are none", async () => {
  const events: TrainingEvent[] = [];
  const { code } = await launchTraining({ out: "runs/a" }, { onEvent: (event) => events.push(event), main }).ended;
  assertEquals(code, 0);
  assertEquals(events, [
    { event: "start", run: "runs/x", steps: 3 },
    { event: "progress", step: 2, steps: 3, loss: 0.25, imagesPerSecond: 10, secondsLeft: 1 },
    { event: "checkpoint", step: 3, folder: "runs/a" },
    { event: "done", step: 3, folder: "runs/x" },
  ]);
});

Deno.test("launchTraining: a crash ends with its code and what it wrote to stderr", async () => {
  const { code, stderr } = await launchTraining({ crash: true, out: "runs/a" }, { onEvent: () => {}, main }).ended;
  assertEquals(code, 1);
  assertStringIncludes(stderr, "out of memory");
});

Deno.test("launchTraining: stop lets it tidy up, kill does not, and both after the end do no harm", async () => {
  const events: string[] = [];
  const start = () => {
    const running = Promise.withResolvers<void>();
    const onEvent = ({ event }: TrainingEvent) => {
      events.push(event);
      if (event === "progress") running.resolve();
    };
    const process = launchTraining({ wait: true, out: "runs/a" }, { onEvent, main });
    return { process, running: running.promise };
  };
  const first = start();
  await first.running;
  first.process.stop();
  assertEquals((await first.process.ended).code, 0);
  assertEquals(events.at(-1), "stopped");
  first.process.stop();

  const second = start();
  await second.running;
  second.process.kill();
  assertEquals((await second.process.ended).code, 137);
  assertEquals(events.at(-1), "progress");
  second.process.kill();
});

Deno.test("launchTraining: a process that hears no request to stop is killed once its time is over", async () => {
  const running = Promise.withResolvers<void>();
  const onEvent = ({ event }: TrainingEvent) => {
    if (event === "progress") running.resolve();
  };
  const process = launchTraining({ busy: true, out: "runs/a" }, { onEvent, main, grace: 100 });
  await running.promise;
  process.stop();
  const { code, isKilled } = await process.ended;
  assertEquals([code, isKilled], [137, true]);
});
