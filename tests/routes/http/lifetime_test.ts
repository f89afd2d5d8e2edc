import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { Context } from "hono";
import { beginLifetime } from "../../../routes/http/lifetime.ts";
import { CanceledError, StoppingError } from "../../../routes/http/problem.ts";
import { DeadlineError } from "../../../serving/serving.ts";

/** A request that waited so many seconds for the models, its client, and the server. */
const begin = (seconds: number, waited = 0) => {
  const [client, server] = [new AbortController(), new AbortController()];
  const raw = new Request("http://localhost/", { signal: client.signal });
  const context = { req: { raw }, get: () => waited } as unknown as Context;
  return { client, server, lifetime: beginLifetime(context, { seconds, stopping: server.signal }) };
};

const reasonAfter = async (signal: AbortSignal): Promise<unknown> => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return signal.reason;
};

Deno.test("beginLifetime: it ends when its time is over, counted from where it began", async () => {
  using short = begin(0.02).lifetime;
  assertInstanceOf(await reasonAfter(short.signal), DeadlineError);
  using asked = begin(600).lifetime;
  asked.shorten(0.02);
  assertInstanceOf(await reasonAfter(asked.signal), DeadlineError);
  using waited = begin(600, 2).lifetime;
  waited.shorten(100);
  assertEquals(waited.signal.aborted, false);
  assertThrows(() => waited.shorten(2), DeadlineError, "the models were not loaded in 2000 ms");
  assertThrows(() => begin(1, 2), DeadlineError, "the models were not loaded in 1000 ms");
});

Deno.test("beginLifetime: it ends with its connection, unless it outlives it, and with the server", () => {
  const left = begin(600);
  left.client.abort();
  assertInstanceOf(left.lifetime.signal.reason, CanceledError);
  const outliving = begin(600);
  outliving.lifetime.outlive();
  outliving.client.abort();
  assertEquals(outliving.lifetime.signal.aborted, false);
  outliving.server.abort();
  assertInstanceOf(outliving.lifetime.signal.reason, StoppingError);
  const done = begin(600);
  for (const { lifetime } of [left, outliving, done]) lifetime[Symbol.dispose]();
  done.client.abort();
  done.server.abort();
  assertEquals(done.lifetime.signal.aborted, false);
});
