import { assertAlmostEquals, assertEquals } from "@std/assert";
import { layAxis } from "../../figures/axis.ts";

const texts = (axis: ReturnType<typeof layAxis>) => axis.ticks.map(({ text }) => text).filter((text) => text !== "");

Deno.test("a linear axis is rounded outwards to ticks, and places numbers between its ends", () => {
  const axis = layAxis({ label: "x" }, [0.3, 9.2], [100, 0]);
  assertEquals(texts(axis), ["0", "2", "4", "6", "8", "10"]);
  assertAlmostEquals(axis.place(2.5)!, 75, 1e-9);
});

Deno.test("a logarithmic axis names decades, marks what is between, and has no place for 0", () => {
  const axis = layAxis({ label: "x", scale: "log" }, [0, 3, 700], [0, 300]);
  assertEquals(texts(axis), ["1", "10", "$10^{2}$", "$10^{3}$"]);
  assertEquals(axis.ticks.length, 28);
  assertAlmostEquals(axis.place(10)!, 100, 1e-9);
  assertEquals([axis.place(0), axis.place(-1)], [null, null]);
});

Deno.test("a logarithmic axis of many decades names some of them", () => {
  const axis = layAxis({ label: "x", scale: "log" }, [1e-10, 1], [0, 100]);
  assertEquals(texts(axis), ["$10^{-10}$", "$10^{-8}$", "$10^{-6}$", "$10^{-4}$", "$10^{-2}$", "1"]);
  assertEquals(axis.ticks.length, 11);
});

Deno.test("an axis keeps to a domain that is given", () => {
  assertEquals(layAxis({ label: "x", domain: [0, 1000] }, [3, 900], [0, 1]).place(500), 0.5);
});
