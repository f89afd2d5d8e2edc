import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createClients, TooManyRequestsError } from "../../../routes/http/clients.ts";
import { asJson, pendingImages, until, withServer } from "../with_server.ts";

Deno.test("createClients counts each client apart, and a place once", () => {
  const clients = createClients(2);
  const places = [clients.take("a"), clients.take("a"), clients.take("b")];
  assertThrows(() => clients.take("a"), TooManyRequestsError, "2 requests");
  places[0][Symbol.dispose]();
  places[0][Symbol.dispose]();
  const again = clients.take("a");
  assertThrows(() => clients.take("a"), TooManyRequestsError);
  for (const place of [again, ...places]) place[Symbol.dispose]();
  assertEquals(clients.count, 0);
});

Deno.test("createClients with 0 lets any number through", () => {
  const clients = createClients(0);
  for (let i = 0; i < 100; i++) clients.take("a");
  assertEquals(clients.count, 1);
});

Deno.test("a client with as many requests under way as it may gets 429, predictions counted; their ends make room", () =>
  withServer(async ({ origin }) => {
    const slow = { n: 8, steps: 100 };
    const client = new AbortController();
    const first = fetch(`${origin}/generate?n=8&steps=100`, { signal: client.signal }).catch(() => "gone");
    await until(() => pendingImages(origin), (images) => images === 8);
    const second = await fetch(`${origin}/generate`, asJson(slow, { headers: { prefer: "respond-async" } }));
    assertEquals(second.status, 202);
    const { urls } = await second.json();

    const third = await fetch(`${origin}/generate?steps=1`);
    assertEquals([third.status, third.headers.get("retry-after")], [429, "1"]);
    assertStringIncludes((await third.json()).detail, "2 requests under way");

    client.abort();
    await first;
    await (await fetch(`${origin}${urls.cancel}`, { method: "POST" })).body!.cancel();
    await until(async () => {
      const response = await fetch(`${origin}/generate?steps=1`);
      await response.body!.cancel();
      return response.status;
    }, (status) => status === 200);
  }, { limits: { concurrent: 2 } }));
