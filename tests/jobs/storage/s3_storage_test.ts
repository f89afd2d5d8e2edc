import { assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { DENO_RUN } from "../../deno_run.ts";
import { openStorage } from "../../../jobs/storage/open_storage.ts";
import { StorageConflictError, StorageError } from "../../../jobs/storage/storage.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { addCheckpoint, makeRun, readTree } from "./runs.ts";
import { readWithBoto, type S3Server, startS3, whyNoS3 } from "./s3_server.ts";

const URL_OF_RUNS = "s3://bucket/team/runs";

const open = ({ variables }: S3Server) =>
  openStorage(URL_OF_RUNS, { environment: (name) => ({ ...variables } as Record<string, string>)[name] });

const s3Test = (name: string, fn: (server: S3Server, folder: string) => Promise<void>) =>
  writingTest(name, async (folder) => {
    await using server = await startS3();
    await fn(server, folder);
  }, reasonNotToWrite || whyNoS3);

s3Test("a run that was pushed is the same in the folder of another machine that fetches it", async (server, folder) => {
  const here = await makeRun(join(folder, "here", "cats")), there = join(folder, "there", "cats");
  const storage = await open(server);
  await storage.fetch(here);
  for (const step of [10, 20]) {
    await addCheckpoint(here, step);
    await storage.push(here);
  }
  await (await open(server)).fetch(there);

  const { "checkpoints/step-10/model_index.json": _, ...tree } = await readTree(here);
  const expected = Object.entries(tree).filter(([path]) => !path.startsWith("checkpoints/step-10/"));
  assertEquals(await readTree(there), Object.fromEntries(expected));
});

s3Test("the bucket holds the run folder's own paths, and boto3 reads the same bytes there", async (server, folder) => {
  const run = await makeRun(join(folder, "cats"));
  await addCheckpoint(run, 10);
  await (await open(server)).push(run);

  const paths = Object.keys(await readTree(run)).map((path) => `team/runs/cats/${path}`);
  assertEquals(await server.keys(), [...paths, "team/runs/cats/index.json"].sort());
  const key = "team/runs/cats/checkpoints/step-10/training_state/weights.safetensors";
  assertEquals(await readWithBoto(server, key), "weights 10");
});

s3Test("no more checkpoints stay in the storage than the run keeps", async (server, folder) => {
  const run = await makeRun(join(folder, "cats"), { keep: 2 });
  const storage = await open(server);
  for (const step of [1, 2, 3, 4]) {
    await addCheckpoint(run, step);
    await storage.push(run);
  }
  const keys = (await server.keys()).filter((key) => key.includes("/checkpoints/"));
  assertEquals([...new Set(keys.map((key) => key.split("/")[4]))], ["step-3", "step-4"]);
});

s3Test("after a push that was killed at any request, the earlier checkpoint is fetched", async (server, folder) => {
  const program = fromFileUrl(new URL("./push_until_killed.ts", import.meta.url));
  // A push writes 12 times here; the eleventh says that the checkpoint is whole.
  for (let requests = 0; requests <= 12; requests++) {
    const name = `run-${requests}`;
    const run = await makeRun(join(folder, "here", name)), there = join(folder, "there", name);
    await addCheckpoint(run, 10);
    await (await open(server)).push(run);
    await addCheckpoint(run, 20);
    const { signal } = await new Deno.Command(Deno.execPath(), {
      args: [...DENO_RUN, "-A", program, URL_OF_RUNS, run, `${requests}`],
      env: server.variables,
      stderr: "inherit",
    }).output();
    assertEquals(signal, requests < 12 ? "SIGKILL" : null);

    await (await open(server)).fetch(there);
    const latest = (await Deno.readTextFile(join(there, "latest"))).trim();
    const weights = await Deno.readTextFile(join(there, latest, "training_state", "weights.safetensors"));
    const step = requests < 10 ? 10 : 20;
    assertEquals([latest, weights], [`checkpoints/step-${step}`, `weights ${step}`], `after ${requests}`);

    // The next push clears what the killed one left.
    const storage = await open(server);
    await storage.fetch(there);
    await Deno.writeTextFile(join(there, "config.json"), '{"keep":1}');
    await addCheckpoint(there, 30);
    await storage.push(there);
    const keys = (await server.keys()).filter((key) => key.startsWith(`team/runs/${name}/checkpoints/`));
    assertEquals([...new Set(keys.map((key) => key.split("/")[4]))], ["step-30"], `after ${requests}`);
  }
});

s3Test(
  "a checkpoint whose bytes were changed in the storage is passed over for the one before",
  async (server, folder) => {
    const run = await makeRun(join(folder, "here", "cats")), there = join(folder, "there", "cats");
    const storage = await open(server);
    for (const step of [10, 20]) {
      await addCheckpoint(run, step);
      await storage.push(run);
    }
    const damage = (step: number) =>
      server.overwrite(`team/runs/cats/checkpoints/step-${step}/training_state/weights.safetensors`, "else");
    await damage(20);
    await (await open(server)).fetch(there);
    assertEquals(await Deno.readTextFile(join(there, "latest")), "checkpoints/step-10\n");

    await damage(10);
    const nowhere = join(folder, "nowhere", "cats");
    await assertRejects(async () => (await open(server)).fetch(nowhere), StorageError, "no checkpoint of the storage");
  },
);

s3Test("a machine that was cut off cannot push a run which another has gone on with", async (server, folder) => {
  const first = await makeRun(join(folder, "first", "cats")), second = join(folder, "second", "cats");
  const cutOff = await open(server);
  await addCheckpoint(first, 10);
  await cutOff.push(first);

  // Another program, since one program's writes are its own.
  const program = fromFileUrl(new URL("./go_on_elsewhere.ts", import.meta.url));
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...DENO_RUN, "-A", program, URL_OF_RUNS, second, "20"],
    env: server.variables,
    stderr: "inherit",
  }).output();
  assertEquals(code, 0);

  await addCheckpoint(first, 15);
  const before = await server.keys();
  // To look at it is not to claim it.
  await cutOff.fetch(first);
  await assertRejects(() => cutOff.push(first), StorageConflictError, "another machine has gone on");
  assertEquals((await server.keys()).filter((key) => !before.includes(key)), []);

  // It may take the run up again, from where the other left it.
  await cutOff.fetch(first, { claim: true });
  assertEquals(await Deno.readTextFile(join(first, "latest")), "checkpoints/step-20\n");
  await addCheckpoint(first, 30);
  await cutOff.push(first);
});

s3Test("a folder that is further than the storage is left alone", async (server, folder) => {
  const run = await makeRun(join(folder, "cats"));
  const storage = await open(server);
  await addCheckpoint(run, 10);
  await storage.push(run);
  await addCheckpoint(run, 20);
  const before = await readTree(run);
  await (await open(server)).fetch(run);
  assertEquals(await readTree(run), before);
});
