import { assertEquals } from "@std/assert";
import { crc32 as zlibCrc32 } from "node:zlib";
import { crc32 } from "../../formats/crc32.ts";

Deno.test("crc32: the published check value, and zlib's of any bytes, at once or in parts", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * i);
  for (const cut of [0, 1, 500, 1000]) {
    const whole = zlibCrc32(bytes);
    assertEquals(crc32(bytes), whole);
    assertEquals(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut))), whole);
  }
});
