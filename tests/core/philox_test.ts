import { assertEquals } from "@std/assert";
import { philox4x32 } from "../../core/noise.ts";

type Six = [number, number, number, number, number, number];

/** philox4x32 10 of Random123's kat_vectors: counter and key, then the four words. */
const VECTORS: [Six, string][] = [
  [[0, 0, 0, 0, 0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0],
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  ],
];

Deno.test("philox4x32 gives the words of Random123's known-answer vectors", () => {
  const words = new Int32Array(4);
  for (const [input, expected] of VECTORS) {
    philox4x32(words, ...input);
    assertEquals(Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, "0")).join(" "), expected);
  }
});

Deno.test("philox4x32 takes words as signed or unsigned alike", () => {
  const words = new Int32Array(4);
  philox4x32(words, -1, -1, -1, -1, -1, -1);
  assertEquals(words[0] >>> 0, 0x408f276d);
});
