import { assertEquals, assertThrows } from "@std/assert";
import { fromBytes, nchwToNhwc, nhwcToNchw, toBytes } from "../../formats/pixels.ts";

Deno.test("toBytes spreads [-1, 1] over 0 … 255, rounds, and clamps what lies outside", () => {
  const values = Float32Array.of(-1, 1, 0.5, -0.996, -7, 7, NaN, Infinity, -Infinity, 0.99);
  assertEquals([...toBytes(values)], [0, 255, 191, 1, 0, 255, 0, 255, 0, 254]);
});

Deno.test("toBytes takes every byte back from fromBytes", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const values = fromBytes(bytes);
  assertEquals([values[0], values[255]], [-1, 1]);
  assertEquals(toBytes(values), bytes);
});

Deno.test("nhwcToNchw moves the channels first and nchwToNhwc moves them back", () => {
  const shape = { height: 1, width: 2, channels: 3 };
  const nhwc = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  const nchw = nhwcToNchw(nhwc, shape);
  assertEquals([...nchw], [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]);
  assertEquals(nchwToNhwc(nchw, shape), nhwc);
});

Deno.test("nhwcToNchw refuses a part of an image", () => {
  assertThrows(
    () => nhwcToNchw(new Float32Array(7), { height: 1, width: 2, channels: 3 }),
    RangeError,
    "whole 1×2×3 images, received 7",
  );
});
