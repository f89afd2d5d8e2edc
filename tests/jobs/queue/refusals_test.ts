import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { isGranted } from "../../../engine/permissions.ts";
import { JobsUnavailableError } from "../../../jobs/jobs.ts";
import type { Database } from "../../../jobs/queue/database.ts";
import { openPostgres } from "../../../jobs/queue/postgres.ts";
import { createQueue } from "../../../jobs/queue/queue.ts";
import { freePort } from "../../free_port.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { startPostgres, whyNoPostgres } from "./postgres.ts";

const reason = reasonNotToWrite || (isGranted({ name: "sys", kind: "hostname" }) ? "" : "needs --allow-sys=hostname") ||
  whyNoPostgres;

interface Refusal {
  readonly user?: string;
  readonly database?: string;
  readonly port?: number;
  /** What a superuser does to the database before. */
  readonly before?: readonly string[];
  readonly said: RegExp;
  /** What lets the same queue open it afterwards, without being started anew. */
  readonly remedy?: readonly string[];
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "a user without rights in an empty database": {
    before: ["CREATE DATABASE empty", "CREATE ROLE guest LOGIN"],
    user: "guest",
    database: "empty",
    said: /permission denied.*DATABASE_URL must be allowed to make and use the schemas/,
    remedy: ["GRANT CREATE ON DATABASE empty TO guest"],
  },
  "a user without rights on the tables": {
    before: ["CREATE ROLE stranger LOGIN"],
    user: "stranger",
    said: /permission denied for schema.*DATABASE_URL must be allowed/,
    remedy: ["GRANT denoise TO stranger"],
  },
  "a database that is not there": {
    database: "nowhere",
    said: /database "nowhere" does not exist/,
    remedy: ["CREATE DATABASE nowhere"],
  },
  "a wrong password": {
    before: [
      "CREATE ROLE keeper LOGIN PASSWORD 'right' IN ROLE denoise",
      `DO $$ BEGIN EXECUTE format(
        'COPY (VALUES (%L), (%L)) TO %L',
        'host all keeper 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust', current_setting('hba_file')
      ); END $$`,
      "SELECT pg_reload_conf()",
    ],
    user: "keeper:hunter2",
    said: /password authentication failed for user "keeper"/,
    remedy: ["ALTER ROLE keeper PASSWORD 'hunter2'"],
  },
  "a user who may not log in": {
    before: ["CREATE ROLE locked NOLOGIN IN ROLE denoise"],
    user: "locked",
    said: /"locked" is not permitted to log in/,
    remedy: ["ALTER ROLE locked LOGIN"],
  },
  "no connection that is free": {
    before: ["CREATE ROLE few LOGIN CONNECTION LIMIT 0 IN ROLE denoise"],
    user: "few",
    said: /too many connections for role "few"/,
    remedy: ["ALTER ROLE few CONNECTION LIMIT 20"],
  },
  "a read-only database, as a standby is": {
    before: [
      "CREATE DATABASE still",
      "CREATE ROLE reader LOGIN SUPERUSER",
      "ALTER ROLE reader SET default_transaction_read_only = on",
    ],
    user: "reader",
    database: "still",
    said: /read-only transaction/,
    remedy: ["ALTER ROLE reader SET default_transaction_read_only = off"],
  },
  "statements that take too long": {
    before: [
      "CREATE ROLE hasty LOGIN SUPERUSER",
      "ALTER ROLE hasty SET statement_timeout = '1ms'",
      "CREATE DATABASE slow",
    ],
    user: "hasty",
    database: "slow",
    said: /statement timeout/,
    remedy: ["ALTER ROLE hasty SET statement_timeout = 0"],
  },
  "tables of a newer version": {
    before: ["INSERT INTO denoise.migrations VALUES (99)"],
    said: /newer version of this program \(100, and this one knows \d+\): update this one/,
    remedy: ["DELETE FROM denoise.migrations WHERE version = 99"],
  },
  "a server that is not there": { port: freePort(), said: /ECONNREFUSED|refused/ },
};

const runAll = async ({ query }: Database, statements: readonly string[] = []): Promise<void> => {
  for (const statement of statements) await query(statement);
};

writingTest("a PostgreSQL that refuses says why, without the password, and is used once it lets in", async (runs) => {
  await using postgres = await startPostgres();
  const tables = createQueue({ runs, url: postgres.url, workers: 0 });
  await tables.list();
  await tables.close();
  const operator = await openPostgres(postgres.url, () => {});
  try {
    for (const [name, { user, database, port, before, said, remedy }] of Object.entries(REFUSALS)) {
      await runAll(operator, before);
      const url = new URL(postgres.url);
      if (user) [url.username, url.password] = user.split(":").concat("");
      if (database) url.pathname = database;
      if (port) url.port = String(port);
      const warnings: string[] = [];
      const jobs = createQueue({ runs, url: url.href, workers: 0, warn: (message) => warnings.push(message) });
      try {
        const { message } = await assertRejects(() => jobs.list(), JobsUnavailableError, undefined, name);
        assertMatch(message, said, name);
        const add = await assertRejects(() => jobs.add({ steps: 3 }), JobsUnavailableError, undefined, name);
        for (const text of [message, add.message, ...warnings]) {
          assert(!text.includes("hunter2") && !text.includes("\n"), `${name}: ${text}`);
        }
        if (!remedy) continue;
        await runAll(operator, remedy);
        let listed: unknown = null;
        while (!listed) listed = await jobs.list().catch(() => new Promise((resume) => setTimeout(resume, 50)));
        assertEquals(listed, [], name);
      } finally {
        await jobs.close();
      }
    }
  } finally {
    await operator.close();
  }
}, reason);
