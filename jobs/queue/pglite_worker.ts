/** PGlite on a thread of its own: it computes where it is called, for seconds when it makes its folder. */
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";

/** A call of the thread. */
export type PgliteCall =
  | { readonly kind: "open"; readonly folder: string }
  | { readonly kind: "check" }
  | { readonly kind: "query"; readonly text: string; readonly values: unknown[] }
  | { readonly kind: "exec"; readonly text: string }
  | { readonly kind: "listen"; readonly channel: string }
  | { readonly kind: "close" };

/** What it says: the answer to a call, by its number; a notification; or why PostgreSQL has ended, and answers no more. */
export type PgliteReply =
  | { readonly call: number; readonly rows: unknown[] }
  | { readonly call: number; readonly error: { readonly message: string; readonly code?: string } }
  | { readonly channel: string; readonly payload: string }
  | { readonly ended: string };

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<PgliteCall & { readonly call: number }>) => void;
  postMessage(reply: PgliteReply): void;
};

/** Why PostgreSQL ended, in its words; null while it has not. */
let ending: string | null = null;

/** A folder on disk, whose PostgreSQL is heard when it says why it ends. */
class HeardFolder extends NodeFS {
  override async init(...[pg, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(pg, options);
    const printErr = (line: string) => {
      const [, level, text] = /\b(FATAL|PANIC|DETAIL): +(.*)/.exec(line) ?? [];
      if (level === "DETAIL") ending &&= `${ending}: ${text}`;
      else if (text) ending = text;
      // Once it runs, PGlite goes on asking a PostgreSQL that has ended, for ever.
      if (ending !== null && database.ready) scope.postMessage({ ended: ending });
    };
    return { emscriptenOpts: { ...emscriptenOpts, printErr } };
  }
}

let database: PGlite;

/** Reads every page of every table, as none of its indexes would have it: one that is not as it was written is an error. */
const CHECK = `SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
DO $$ DECLARE name regclass; BEGIN
  FOR name IN SELECT oid FROM pg_class WHERE relkind IN ('r', 't', 'm') LOOP
    EXECUTE format('SELECT count(*) FROM %s', name);
  END LOOP;
END $$`;

const answer = async (call: PgliteCall): Promise<unknown[]> => {
  switch (call.kind) {
    case "open":
      ending = null;
      database = new PGlite({
        fs: new HeardFolder(call.folder),
        startParams: [...PGlite.defaultStartParams, "-c", "log_min_messages=log"],
      });
      await database.waitReady;
      return [];
    case "check":
      await database.exec(CHECK);
      return [];
    case "query":
      return (await database.query(call.text, call.values)).rows;
    case "exec":
      return (await database.exec(call.text)).flatMap(({ rows }) => rows);
    case "listen":
      await database.listen(call.channel, (payload) => scope.postMessage({ channel: call.channel, payload }));
      return [];
    case "close":
      await database.close();
      return [];
  }
};

scope.onmessage = async ({ data: { call, ...request } }) => {
  try {
    scope.postMessage({ call, rows: await answer(request as PgliteCall) });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    scope.postMessage({ call, error: { message: ending ?? message, code } });
  }
};
