import { assertEquals, assertThrows } from "@std/assert";
import { parseIdx } from "../../datasets/idx.ts";

const file = (...bytes: number[]) => Uint8Array.from(bytes);

Deno.test("parseIdx reads extents as big-endian integers, then the bytes", () => {
  const idx = parseIdx(file(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6), "x");
  assertEquals(idx.shape, [2, 3]);
  assertEquals([...idx.data], [1, 2, 3, 4, 5, 6]);
});

Deno.test("parseIdx names the file and its damage", () => {
  const refuse = (bytes: Uint8Array<ArrayBuffer>, message: string) =>
    assertThrows(() => parseIdx(bytes, "digits-idx3"), SyntaxError, `cannot read digits-idx3: ${message}`);
  refuse(file(), "it does not start with");
  refuse(file(31, 139, 8, 0), "it does not start with");
  refuse(file(0, 0, 13, 1, 0, 0, 0, 0), "its type must be 0x08 (bytes), received 0xd");
  refuse(file(0, 0, 8, 0), "it ends within its header");
  refuse(file(0, 0, 8, 2, 0, 0, 0, 1), "it ends within its header");
  refuse(file(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), "(3) takes 3 bytes, the file has 2");
  refuse(file(0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3, 4), "(3) takes 3 bytes, the file has 4");
});
