import type { Db, PgBoss } from "pg-boss";

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
  /** Does all of `work` or nothing. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Hears what is sent to a channel by any process on this database. Some of it may be missed. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** A session of what pg-boss takes for a database. */
export const sessionOf = (db: Db): Session => ({
  db,
  query: async <Row>(text: string, values?: unknown[]) => (await db.executeSql(text, values)).rows as Row[],
});
