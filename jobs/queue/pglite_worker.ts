/** PGlite on a thread of its own: it computes where it is called, for seconds when it makes its folder. */
import { PGlite } from "@electric-sql/pglite";

/** A call of the thread. */
export type PgliteCall =
  | { readonly kind: "open"; readonly folder: string }
  | { readonly kind: "query"; readonly text: string; readonly values: unknown[] }
  | { readonly kind: "exec"; readonly text: string }
  | { readonly kind: "listen"; readonly channel: string }
  | { readonly kind: "close" };

/** What it says: the answer to a call, by its number, or a notification. */
export type PgliteReply =
  | { readonly call: number; readonly rows: unknown[] }
  | { readonly call: number; readonly error: { readonly message: string; readonly code?: string } }
  | { readonly channel: string; readonly payload: string };

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<PgliteCall & { readonly call: number }>) => void;
  postMessage(reply: PgliteReply): void;
};

let database: PGlite;

const answer = async (call: PgliteCall): Promise<unknown[]> => {
  switch (call.kind) {
    case "open":
      database = await PGlite.create(call.folder);
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
    scope.postMessage({ call, error: { message, code } });
  }
};
