import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { isGranted } from "../../../engine/permissions.ts";
import { type Job, type Jobs, JobsUnavailableError } from "../../../jobs/jobs.ts";
import { openFolder } from "../../../jobs/queue/pglite.ts";
import { createQueue } from "../../../jobs/queue/queue.ts";
import { exists } from "../../../files/exists.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { launchLeased } from "./leased_training.ts";

const reason = reasonNotToWrite || (isGranted({ name: "sys", kind: "hostname" }) ? "" : "needs --allow-sys=hostname");

const ended = async (jobs: Jobs, id: string): Promise<Job> => {
  for await (const _ of jobs.events(id));
  return (await jobs.get(id))!;
};

const copyFolder = async (from: string, to: string): Promise<void> => {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    await (isDirectory ? copyFolder : Deno.copyFile)(join(from, name), join(to, name));
  }
};

/** Digests of all that is in a folder, by path. */
const digestsOf = async (folder: string, below = ""): Promise<Record<string, string>> => {
  const digests: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    if (isDirectory) Object.assign(digests, { [path]: "" }, await digestsOf(folder, path));
    else {
      const bytes = await Deno.readFile(join(folder, path));
      digests[path] = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
    }
  }
  return digests;
};

const flip = async (path: string, at: number): Promise<void> => {
  const bytes = await Deno.readFile(path);
  bytes[at] ^= 0xff;
  await Deno.writeFile(path, bytes);
};

/** Files of tables that are no catalog's: PostgreSQL numbers those from 16384. */
const tablesOf = async (data: string): Promise<string[]> => {
  const folder = join(data, "base", "5");
  const files = (await Array.fromAsync(Deno.readDir(folder))).filter(({ name }) => Number(name) >= 16384);
  return files.map(({ name }) => join(folder, name)).filter((path) => Deno.statSync(path).size > 0);
};

const walOf = async (data: string): Promise<string> => {
  const names = (await Array.fromAsync(Deno.readDir(join(data, "pg_wal")))).filter(({ isFile }) => isFile);
  return join(data, "pg_wal", names.map(({ name }) => name).sort().at(-1)!);
};

interface Damage {
  /** Whether the database was left as by a crash, so that it has to be recovered. */
  readonly crashed?: boolean;
  readonly damage: (data: string) => Promise<unknown>;
  readonly said: RegExp;
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  "pg_control is empty": {
    damage: (data) => Deno.truncate(join(data, "global/pg_control")),
    said: /global\/pg_control.*read 0 of/,
  },
  "pg_control is missing": {
    damage: (data) => Deno.remove(join(data, "global/pg_control")),
    said: /global\/pg_control.*No such file/,
  },
  "pg_control has another byte": {
    damage: (data) => flip(join(data, "global/pg_control"), 40),
    said: /incorrect checksum in control file/,
  },
  "the WAL is truncated": {
    damage: async (data) => Deno.truncate(await walOf(data), 1 << 16),
    said: /valid checkpoint record/,
  },
  "the WAL is truncated after a crash": {
    crashed: true,
    damage: async (data) => Deno.truncate(await walOf(data), 1 << 16),
    said: /valid checkpoint record/,
  },
  "the WAL is missing": {
    damage: async (data) => Deno.remove(await walOf(data)),
    said: /valid checkpoint record/,
  },
  "PG_VERSION is missing": {
    damage: (data) => Deno.remove(join(data, "PG_VERSION")),
    said: /PG_VERSION is missing/,
  },
  "PG_VERSION is another": {
    damage: (data) => Deno.writeTextFile(join(data, "PG_VERSION"), "17\n"),
    said: /PostgreSQL version 17/,
  },
  "pages have other bytes": {
    damage: async (data) => {
      for (const path of await tablesOf(data)) await flip(path, 8000);
    },
    said: /invalid page in block 0/,
  },
  "tables are truncated": {
    damage: async (data) => {
      for (const path of await tablesOf(data)) if (Deno.statSync(path).size > 8192) await Deno.truncate(path, 5000);
    },
    said: /could not read|invalid page/,
  },
  "tables are missing": {
    damage: async (data) => {
      for (const path of await tablesOf(data)) await Deno.remove(path);
    },
    said: /could not open file "base\/5\/\d+"/,
  },
  "base is missing after a crash": {
    crashed: true,
    damage: (data) => Deno.remove(join(data, "base"), { recursive: true }),
    said: /base\/5/,
  },
  "the folder is a file": {
    damage: async (data) => {
      await Deno.remove(data, { recursive: true });
      await Deno.writeTextFile(data, "");
    },
    said: /Not a directory/,
  },
};

writingTest("a damaged folder of jobs is refused with the reason and the way out, and stays as it is", async (runs) => {
  const sound = join(runs, "sound"), crashed = join(runs, "crashed");
  const queue = createQueue({ runs, folder: sound, launch: launchLeased });
  try {
    await queue.add({ steps: 3 }, "a");
    await ended(queue, "a");
    await copyFolder(sound, crashed);
  } finally {
    await queue.close();
  }

  const folder = join(runs, "damaged");
  for (const [name, { crashed: isCrashed, damage, said }] of Object.entries(DAMAGES)) {
    await copyFolder(isCrashed ? crashed : sound, folder);
    await damage(join(folder, "data"));
    const before = await digestsOf(folder);
    const jobs = createQueue({ runs, folder, workers: 0 });
    for (const ask of [() => jobs.list(), () => jobs.add({ steps: 3 }, "b"), () => jobs.resume("a")]) {
      const { message } = await assertRejects(ask, JobsUnavailableError, folder, name);
      assertMatch(message, said, name);
      assertStringIncludes(message, "move it away", name);
      assert(!message.includes("\n"), name);
    }
    await jobs.close();
    assertEquals(await digestsOf(folder), before, name);
    await Deno.remove(folder, { recursive: true });
  }

  // What a crash leaves is no damage.
  for (const whole of [sound, crashed]) {
    await Deno.writeTextFile(join(whole, "data/postmaster.pid"), "1\n/pglite/data\n1\n5432\n\n\n0 0\n");
    const jobs = createQueue({ runs, folder: whole, workers: 0 });
    assertEquals((await jobs.list()).map(({ id, state }) => `${id} ${state}`), ["a succeeded"]);
    await jobs.close();
  }
}, reason);

writingTest("a folder that cannot be written says why, without a way out of damage", async (runs) => {
  const folder = join(runs, ".queue");
  await Deno.writeTextFile(folder, "");
  const jobs = createQueue({ runs, folder, workers: 0 });
  const { message } = await assertRejects(() => jobs.list(), JobsUnavailableError, folder);
  assert(!message.includes("move it away"), message);
  await jobs.close();
  assertEquals(await Deno.readTextFile(folder), "");
}, reason);

writingTest("a folder that is removed while its jobs run takes no more, and a new one begins", async (runs) => {
  const folder = join(runs, ".queue");
  const said: string[] = [];
  const queue = createQueue({ runs, folder, launch: launchLeased, warn: (message) => said.push(message) });
  try {
    await queue.add({ steps: 10_000 }, "a");
    for await (const { event } of queue.events("a")) if (event.event === "progress") break;
    await Deno.rename(folder, join(runs, "removed"));
    await assertRejects(() => queue.add({ steps: 3 }, "b"), JobsUnavailableError, `${folder} was removed or replaced`);
    let job: Job | null = null;
    while (!job) {
      job = await queue.add({ steps: 3 }, "c").catch(() => new Promise((resume) => setTimeout(resume, 50, null)));
    }
    assertEquals((await ended(queue, "c")).state, "succeeded");
    assertEquals((await queue.list()).map(({ id }) => id), ["c"]);
    assert(await exists(join(folder, "data", "PG_VERSION")));
    // The one that was lost wrote its checkpoint.
    assert(Number(await Deno.readTextFile(join(runs, "a", "state.json"))) > 0);
    assertEquals(said.filter((message) => message.includes("removed or replaced")).length, 1, said.join("\n"));
  } finally {
    await queue.close();
  }
}, reason);

writingTest("a database that ends by itself is said to be lost, and opens again with its jobs", async (runs) => {
  const folder = join(runs, ".queue");
  const database = await openFolder(folder, () => {});
  await database.query("CREATE TABLE kept AS SELECT 1 AS value");
  const wal = join(folder, "data/pg_wal"), away = join(folder, "away");
  await Deno.rename(wal, away);
  const write = async () => {
    for (const text of ["SELECT pg_switch_wal()", "CREATE TABLE more AS SELECT 2", "CHECKPOINT"]) {
      await database.query(text);
    }
  };
  await assertRejects(write, JobsUnavailableError, "has ended");
  await assertRejects(() => database.query("SELECT 1"), JobsUnavailableError, "pg_wal");
  assert(database.lost.aborted);
  await database.close();
  await Deno.rename(away, wal);
  const again = await openFolder(folder, () => {});
  assertEquals(await again.query("SELECT value FROM kept"), [{ value: 1 }]);
  await again.close();
}, reason);

writingTest("a job whose run folder is removed has failed, and says so", async (runs) => {
  const queue = createQueue({ runs, folder: join(runs, ".queue"), launch: launchLeased });
  try {
    // While it runs, and before it goes on.
    await queue.add({ steps: 10_000, checkpointEvery: 2 }, "a");
    for await (const { event } of queue.events("a")) if (event.event === "checkpoint") break;
    await Deno.remove(join(runs, "a"), { recursive: true });
    const isGone = ({ state, error }: Job) =>
      assertEquals([state, error?.split(":")[0]], [
        "failed",
        "runs/a with its checkpoints is gone",
      ]);
    isGone(await ended(queue, "a"));
    await queue.resume("a");
    isGone(await ended(queue, "a"));
    assert(!await exists(join(runs, "a")));
  } finally {
    await queue.close();
  }
}, reason);
