import { assertAlmostEquals, assertEquals } from "@std/assert";
import { createCosts } from "../../serving/scheduler.ts";

Deno.test("createCosts knows nothing but that rows cost, at first; a size's first call, which may compile, is left out", () => {
  const costs = createCosts();
  assertEquals([1, 4, 16].map(costs.costOf), [1, 4, 16]);
  costs.record(4, 1000);
  assertEquals(costs.costOf(4), 4);
  costs.record(4, 20);
  assertEquals(costs.costOf(4), 20);
});

Deno.test("createCosts takes an unknown cost to lie between its neighbours', and beyond them to grow with the rows", () => {
  const costs = createCosts();
  for (const [bucket, cost] of [[4, 0], [4, 20], [8, 0], [8, 24]]) costs.record(bucket, cost);
  assertEquals([2, 5, 6, 16].map(costs.costOf), [10, 21, 22, 48]);
});

Deno.test("createCosts follows a cost that changes, a fifth of the way each time", () => {
  const costs = createCosts();
  for (const cost of [0, 10, 20]) costs.record(1, cost);
  assertAlmostEquals(costs.costOf(1), 12);
  for (let i = 0; i < 50; i++) costs.record(1, 30);
  assertAlmostEquals(costs.costOf(1), 30, 0.01);
});

Deno.test("createCosts takes a larger call to be no dearer a row, and no cheaper as a whole, than a smaller one", () => {
  const costs = createCosts();
  for (const [bucket, cost] of [[1, 10], [4, 60], [16, 30]]) {
    costs.record(bucket, 0);
    costs.record(bucket, cost);
  }
  assertEquals([1, 2, 4, 16].map(costs.costOf), [10, 20, 30, 30]);
});
