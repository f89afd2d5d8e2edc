import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createVirtualTime } from "../../serving/scheduler.ts";

Deno.test("createVirtualTime: the requests of one client end as if they shared the engine equally", () => {
  const time = createVirtualTime<string>();
  time.add("long", { client: "a", work: 100 });
  assertEquals(time.endOf("long"), 100);
  time.advance(40);
  time.add("short", { client: "a", work: 10 });
  // Ten rows of each, then the fifty that the long one has left.
  assertEquals([time.endOf("short"), time.endOf("long")], [60, 110]);
  time.advance(30);
  assertEquals([time.endOf("short"), time.endOf("long")], [60, 110]);
});

Deno.test("createVirtualTime: a client's 32 requests share its one part, and push back nobody else's", () => {
  const time = createVirtualTime<string>();
  time.add("other", { client: "b", work: 100 });
  for (let i = 0; i < 32; i++) time.add(`${i}`, { client: "a", work: 100 });
  assertEquals(time.endOf("other"), 100);
  for (let i = 0; i < 32; i++) assertEquals(time.endOf(`${i}`), 3200);
  // Half of 200 rows is the other's; later ones begin where all are by then.
  time.advance(200);
  time.add("later", { client: "c", work: 5 });
  assertEquals(time.endOf("later"), 105);
});

Deno.test("createVirtualTime: whatever shorter requests come, a long one's end comes before theirs at last", () => {
  for (const client of ["its own", "another"]) {
    const time = createVirtualTime<number>();
    time.add(0, { client: "its own", work: 1000 });
    let rows = 0;
    for (let i = 1;; i++) {
      time.add(i, { client, work: 10 });
      if (time.endOf(i) >= time.endOf(0)) break;
      time.advance(10);
      time.remove(i, 0);
      rows += 10;
    }
    // Two that share it.
    assert(rows <= 2000, `after ${rows} rows`);
  }
});

Deno.test("createVirtualTime: nobody gains by calling off what is all but done, or loses by calling off early", () => {
  const time = createVirtualTime<string>();
  time.add("steady", { client: "b", work: 1000 });
  time.add("off", { client: "a", work: 100 });
  time.advance(99);
  time.remove("off", 1);
  // 49.5 rows of those done are still to be paid for: a small one shares the time with them, a large one comes after them.
  time.add("small", { client: "a", work: 10 });
  assertAlmostEquals(time.endOf("small"), 49.5 + 20);
  time.remove("small", 10);
  time.add("large", { client: "a", work: 100 });
  assertAlmostEquals(time.endOf("large"), 49.5 + 149.5);
});

/** Serves in the order of virtual time, one row at a time, clients that ask again as soon as they are answered. */
const serve = (asks: Readonly<Record<string, { work: number; requests: number }>>, rows: number) => {
  const time = createVirtualTime<{ client: string; left: number }>();
  const requests = new Set<{ client: string; left: number }>();
  const got: Record<string, number> = {};
  const ask = (client: string) => {
    const request = { client, left: asks[client].work };
    requests.add(request);
    time.add(request, { client, work: request.left });
  };
  for (const [client, { requests }] of Object.entries(asks)) for (let i = 0; i < requests; i++) ask(client);
  for (let row = 0; row < rows; row++) {
    const [first] = [...requests].sort((a, b) => time.endOf(a) - time.endOf(b));
    got[first.client] = (got[first.client] ?? 0) + 1;
    time.advance(1);
    if (--first.left > 0) continue;
    requests.delete(first);
    time.remove(first, 0);
    ask(first.client);
  }
  return got;
};

for (
  const [title, asks] of Object.entries<Parameters<typeof serve>[0]>({
    "one of many requests and one of one": {
      many: { work: 20, requests: 32 },
      one: { work: 20, requests: 1 },
    },
    "one of short requests and one of long ones": {
      short: { work: 10, requests: 1 },
      long: { work: 500, requests: 1 },
    },
    "many of all kinds": {
      short: { work: 5, requests: 1 },
      shorts: { work: 10, requests: 20 },
      long: { work: 500, requests: 1 },
      longs: { work: 300, requests: 5 },
      middle: { work: 60, requests: 2 },
    },
  })
) {
  Deno.test(`createVirtualTime: of clients that always wait for something, each gets the same: ${title}`, () => {
    const rows = 20_000;
    const got = serve(asks, rows);
    const share = rows / Object.keys(asks).length;
    for (const [client, work] of Object.entries(got)) {
      assert(Math.abs(work - share) < 0.2 * share, `${client} got ${work} of ${JSON.stringify(got)}`);
    }
  });
}
