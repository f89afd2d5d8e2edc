import { assert, assertEquals } from "@std/assert";
import { createVirtualTime } from "../../serving/scheduler.ts";

Deno.test("createVirtualTime: a request ends its work later than it comes, in rows that each request would have got", () => {
  const time = createVirtualTime();
  assertEquals(time.endOf(100), 100);
  time.advance(40, 4);
  assertEquals(time.endOf(100), 110);
  time.advance(5, 0);
  assertEquals(time.endOf(0), 15);
});

Deno.test("createVirtualTime: whatever shorter requests come, a long one's end comes before theirs at last", () => {
  const time = createVirtualTime();
  const long = time.endOf(1000);
  let rows = 0;
  for (; time.endOf(10) <= long; rows += 2) time.advance(2, 3);
  assert(rows <= 3 * 1000, `after ${rows} rows`);
});
