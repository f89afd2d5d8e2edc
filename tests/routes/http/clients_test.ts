import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createClients, networkOf, TooManyRequestsError } from "../../../routes/http/clients.ts";
import { parseKeys } from "../../../routes/http/keys.ts";
import { LEAST_ROWS } from "../../../serving/places.ts";
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

Deno.test("createClients says when the oldest request should end, by what others lasted, or where it lasts longer how often one ends", () => {
  let time = 0;
  const clients = createClients(4, { now: () => time });
  const told = () => assertThrows(() => clients.take("a"), TooManyRequestsError).retryAfter;
  const take = (count: number) => Array.from({ length: count }, () => clients.take("a"));

  const first = take(4);
  assertEquals(told(), 1, "nothing is known yet");
  time = 40_000;
  first.forEach((place) => place[Symbol.dispose]());
  // Requests last 40 s.
  const [oldest] = take(1);
  time = 50_000;
  take(3);
  assertEquals(told(), 30);
  time = 60_000;
  assertEquals(told(), 20);
  time = 79_900;
  assertEquals(told(), 1);
  time = 90_000;
  assertEquals(told(), 10, "one in 10 s of four that last 40");
  oldest[Symbol.dispose]();
  take(1);
  // The next began at 50 s, and requests last 41 s by now.
  assertEquals(told(), 1);
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

Deno.test("networkOf: an IPv6 address is one of its /64, however it is written; an IPv4 address is itself", () => {
  const cases = [
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:207", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::9", "2001:db8:1:3::/64"],
    ["::1", "0:0:0:0::/64"],
    ["1::", "1:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["unix", "unix"],
  ];
  assertEquals(cases.map(([address]) => networkOf(address)), cases.map(([, network]) => network));
});

Deno.test("a client that asks for all it can leaves places for others, whose images are drawn meanwhile", () =>
  withServer(async ({ origin }) => {
    const as = (key: string, init: RequestInit = {}): RequestInit => ({
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${key}` },
    });
    const heavy = asJson({ n: 64, steps: 100, guidance: 2 }, { headers: { prefer: "respond-async" } });
    const asked = await Promise.all(
      Array.from({ length: 30 }, () => fetch(`${origin}/generate`, as("greedy", heavy))),
    );
    const [letIn, refused] = [202, 429].map((status) => asked.filter((response) => response.status === status));
    assertEquals([letIn.length, refused.length], [3, 27]);
    for (const response of refused) assert(Number(response.headers.get("retry-after")) >= 1);
    const put = await fetch(
      `${origin}/predictions/mine`,
      as("greedy", asJson({ task: "generate", input: { n: 64, steps: 100 } }, { method: "PUT" })),
    );
    assertEquals(put.status, 429);
    assertStringIncludes((await put.json()).detail, "this client has");

    const small = await fetch(`${origin}/generate?n=4&steps=10`, as("modest"));
    assertEquals(small.status, 200);
    await small.body!.cancel();
    const [model] = await (await fetch(`${origin}/models`, as("modest"))).json();
    assert(model.queuedRows > 10_000 && model.running + model.queued > 64, JSON.stringify(model));
    for (const response of letIn) {
      const { urls } = await response.json();
      await (await fetch(`${origin}${urls.cancel}`, as("greedy", { method: "POST" }))).body!.cancel();
    }
    for (const response of refused) await response.body!.cancel();
  }, {
    queue: 6 * 64 * LEAST_ROWS,
    keys: parseKeys("greedy:generate modest:generate"),
  }));
