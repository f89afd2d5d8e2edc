import { assertEquals } from "@std/assert";
import { createFairQueue, type FairQueue } from "../../../routes/codec/fair_queue.ts";

/** Takes everything out, each item at what it costs, and gives the order. */
const empty = (queue: FairQueue<string>, cost: (item: string) => number): string => {
  const order: string[] = [];
  for (let next = queue.next(); next; next = queue.next()) {
    order.push(next.item);
    queue.charge(next.client, cost(next.item));
  }
  return order.join(" ");
};

Deno.test("createFairQueue gives clients the same time, whatever their items cost", () => {
  const queue = createFairQueue<string>();
  for (let i = 1; i <= 3; i++) queue.add("a", `a${i}`);
  for (let i = 1; i <= 6; i++) queue.add("b", `b${i}`);
  assertEquals(empty(queue, (item) => item.startsWith("a") ? 3 : 1), "a1 b1 b2 b3 a2 b4 b5 b6 a3");
});

Deno.test("createFairQueue: who comes anew is next, and has no claim to the time before", () => {
  const queue = createFairQueue<string>();
  for (let i = 1; i <= 3; i++) queue.add("a", `a${i}`);
  assertEquals(queue.next()?.item, "a1");
  queue.add("b", "b1");
  queue.add("b", "b2");
  queue.charge("a", 1);
  assertEquals(queue.next()?.item, "b1");
  queue.charge("b", 5);
  // Neither has c the ten seconds that it did not ask for, nor is b before a again.
  queue.add("c", "c1");
  queue.add("c", "c2");
  assertEquals(empty(queue, () => 2), "c1 a2 c2 a3 b2");
});

Deno.test("createFairQueue: an item is taken out before its turn, and all are", () => {
  const queue = createFairQueue<string>();
  for (const item of ["a1", "a2", "a3"]) queue.add("a", item);
  queue.add("b", "b1");
  queue.remove("a", "a2");
  queue.remove("a", "none");
  queue.remove("nobody", "a1");
  assertEquals(queue.next()?.item, "a1");
  assertEquals(queue.drain().sort(), ["a3", "b1"]);
  assertEquals(queue.next(), null);
});
