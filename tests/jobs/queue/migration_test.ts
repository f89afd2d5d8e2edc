import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { isGranted } from "../../../engine/permissions.ts";
import { hasEnded } from "../../../jobs/jobs.ts";
import type { Database } from "../../../jobs/queue/database.ts";
import { openFolder } from "../../../jobs/queue/pglite.ts";
import { openPostgres } from "../../../jobs/queue/postgres.ts";
import { createQueue, type QueueSettings } from "../../../jobs/queue/queue.ts";
import { createTurnQueue } from "../../../jobs/queue/turns.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { launchLeased } from "./leased_training.ts";
import { startPostgres, whyNoPostgres } from "./postgres.ts";

const reason = reasonNotToWrite || (isGranted({ name: "sys", kind: "hostname" }) ? "" : "needs --allow-sys=hostname");

/** The tables as they were first, with a job in each of the states that there were. */
const FIRST_TABLES = `CREATE SCHEMA denoise;
CREATE TABLE denoise.migrations (version int PRIMARY KEY);
CREATE TABLE denoise.jobs (
  place bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  id text PRIMARY KEY,
  options jsonb NOT NULL,
  state text NOT NULL,
  turn uuid,
  attempt int NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,
  worker text,
  lease timestamptz,
  progress jsonb NOT NULL DEFAULT '{}',
  entries int NOT NULL DEFAULT 0,
  created timestamptz NOT NULL DEFAULT clock_timestamp(),
  started timestamptz,
  ended timestamptz
);
CREATE TABLE denoise.entries (
  job text NOT NULL REFERENCES denoise.jobs ON DELETE CASCADE,
  id int NOT NULL,
  attempt int NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  event jsonb,
  line text,
  PRIMARY KEY (job, id)
);
INSERT INTO denoise.migrations VALUES (0);
INSERT INTO denoise.jobs (id, options, state, attempt, entries, progress, ended) VALUES
  ('a', '{"steps": 3}', 'succeeded', 1, 1, '{"step": 3, "exitCode": 0}', now()),
  ('b', '{"steps": 4}', 'stopped', 1, 1, '{"step": 2, "exitCode": 0}', now()),
  ('c', '{"steps": 5}', 'failed', 1, 0, '{"exitCode": 2, "error": "no"}', now()),
  ('d', '{"steps": 6}', 'stopping', 1, 0, '{"step": 1}', NULL),
  ('e', '{"steps": 7}', 'running', 1, 0, '{"step": 1}', NULL),
  ('f', '{"steps": 8}', 'waiting', 0, 0, '{}', NULL);
INSERT INTO denoise.entries (job, id, attempt, event) VALUES
  ('a', 1, 1, '{"event": "done", "step": 3, "folder": "runs/a"}'),
  ('b', 1, 1, '{"event": "stopped", "step": 2, "resume": ""}');`;

/** Makes those tables, then opens them as they are now. */
const checkMigration = async (open: () => Promise<Database>, settings: QueueSettings): Promise<void> => {
  const old = await open();
  await createTurnQueue(old.boss);
  await old.query(FIRST_TABLES);
  await old.close();

  const reader = createQueue({ ...settings, workers: 0 });
  const states = async () => (await reader.list()).map(({ id, state }) => `${id} ${state}`);
  assertEquals(await states(), ["a succeeded", "b canceled", "c failed", "d canceling", "e running", "f queued"]);
  const ids = async (state: "queued" | "canceled") => (await reader.list({ states: [state] })).map(({ id }) => id);
  assertEquals([await ids("queued"), await ids("canceled")], [["f"], ["b"]]);
  const { options, attempt, step, error, exitCode } = (await reader.get("c"))!;
  assertEquals({ options, attempt, step, error, exitCode }, {
    ...{ options: { steps: 5 }, attempt: 1, step: 0, error: "no", exitCode: 2 },
  });
  assertEquals((await Array.fromAsync(reader.events("b"))).map(({ event }) => event.event), ["stopped"]);
  await reader.close();

  // They go on from where they were: what was about to be canceled is, what waits or ran is done.
  const queue = createQueue({ ...settings, launch: launchLeased });
  try {
    await queue.resume("b");
    let jobs = await queue.list();
    while (!jobs.every(hasEnded)) {
      await new Promise((resume) => setTimeout(resume, 100));
      jobs = await queue.list();
    }
    assertEquals(jobs.map(({ id, state, step }) => `${id} ${state} ${step}`), [
      ...["a succeeded 3", "b succeeded 4", "c failed 0", "d canceled 1", "e succeeded 7", "f succeeded 8"],
    ]);
  } finally {
    await queue.close();
  }

  // One that still has the first words can no longer write them where nobody reads them.
  const older = await open();
  await assertRejects(() => older.query("UPDATE denoise.jobs SET state = 'waiting' WHERE id = 'a'"), Error, "check");
  await older.close();
};

writingTest("a folder of jobs with the first tables opens with its jobs, in the words of today", async (runs) => {
  const folder = join(runs, ".queue");
  await checkMigration(() => openFolder(folder, () => {}), { runs, folder });
}, reason);

writingTest("a PostgreSQL with the first tables does the same", async (runs) => {
  await using postgres = await startPostgres();
  await checkMigration(() => openPostgres(postgres.url, () => {}), { runs, url: postgres.url });
}, reason || whyNoPostgres);
