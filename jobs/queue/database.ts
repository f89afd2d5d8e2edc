import type { Db, PgBoss } from "pg-boss";
import { JobsUnavailableError } from "../jobs.ts";

/** Where statements run: a database, or one transaction of it. */
export interface Session {
  /** Runs one statement, its parameters as $1, $2, …, and answers its rows. */
  query<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The same for pg-boss, as its option `db`. */
  readonly db: Db;
}

/** A database that holds jobs, and pg-boss on it. */
export interface Database extends Session {
  readonly boss: PgBoss;
  /** Aborts, with a `JobsUnavailableError`, when nothing more can be had of it until it is opened anew. */
  readonly lost: AbortSignal;
  /** Does all of `work` or nothing. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Hears what is sent to a channel by any process on this database. Some of it may be missed. */
  listen(channel: string, onMessage: (payload: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** A session of what pg-boss takes for a database. */
export const sessionOf = (db: Db): Session => ({
  db,
  query: async <Row>(text: string, values?: unknown[]) => (await db.executeSql(text, values)).rows as Row[],
});

/**
 * A value as JSON that `jsonb` takes, whatever text is in it: neither text nor jsonb can hold a NUL, nor half of a
 * character, as is left where a line is cut.
 */
export const storable = (value: unknown): string =>
  JSON.stringify(value, (_, part) => typeof part === "string" ? part.replaceAll("\0", "").toWellFormed() : part);

/** Any number, the same in every process: who changes the tables has it. */
const MIGRATION_LOCK = 7_391_204_518;

/** What made the tables what they are, in order. One that is released never changes; a new one is added. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE denoise.jobs (
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
  );`,
  `UPDATE denoise.jobs SET state = CASE state
    WHEN 'waiting' THEN 'queued'
    WHEN 'stopping' THEN 'canceling'
    WHEN 'stopped' THEN 'canceled'
  END WHERE state IN ('waiting', 'stopping', 'stopped');
  -- An older server or worker would write its own words, which nobody would find.
  ALTER TABLE denoise.jobs ADD CHECK (
    state IN ('queued', 'running', 'canceling', 'succeeded', 'failed', 'canceled')
  );`,
];

/** Codes of PostgreSQL for what is there already. */
const EXISTS_CODES = ["23505", "42P06", "42P07"];

/** Makes the tables of jobs, or brings older ones up to date; two processes that begin at once do no harm. */
export const migrate = async (session: Session): Promise<void> => {
  try {
    await applyMigrations(session);
  } catch (error) {
    // PostgreSQL may not see yet what another process made just before it let go of the lock.
    if (!EXISTS_CODES.includes((error as { code?: string }).code ?? "")) throw error;
    await applyMigrations(session);
  }
};

const applyMigrations = async ({ query }: Session): Promise<void> => {
  const found = await query<{ there: boolean }>("SELECT to_regclass('denoise.migrations') IS NOT NULL AS there");
  const versions = found[0].there ? await query<{ version: number }>("SELECT version FROM denoise.migrations") : [];
  const newest = Math.max(...versions.map(({ version }) => version));
  if (newest >= MIGRATIONS.length) {
    throw new JobsUnavailableError(
      `the tables of jobs are of a newer version of this program (${
        newest + 1
      }, and this one knows ${MIGRATIONS.length}` +
        "): update this one",
    );
  }
  if (versions.length === MIGRATIONS.length) return;
  const steps = MIGRATIONS.map((text, i) => `
    IF NOT EXISTS (SELECT FROM denoise.migrations WHERE version = ${i}) THEN
      ${text}
      INSERT INTO denoise.migrations VALUES (${i});
    END IF;`);
  await query(`BEGIN;
    SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});
    CREATE SCHEMA IF NOT EXISTS denoise;
    CREATE TABLE IF NOT EXISTS denoise.migrations (version int PRIMARY KEY);
    DO $$ BEGIN ${steps.join("")} END $$;
    COMMIT;`);
};
