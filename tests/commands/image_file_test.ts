import { assertEquals } from "@std/assert";
import { mostImages } from "../../commands/sample/image_file.ts";

Deno.test("mostImages: a picture of large images holds fewer, and one at least; an array has no limit", () => {
  const square = (side: number) => ({ height: side, width: side, channels: 3 });
  assertEquals(mostImages("a.png", 16, square(32)), 16);
  // 2^26 pixels are 4×4 of 2048 without what is between them.
  assertEquals(mostImages("a.PNG", 16, square(2048)), 12);
  assertEquals(mostImages("a.png", 16, square(16_384)), 1);
  assertEquals(mostImages("a.npy", 16, square(16_384)), 16);
  assertEquals(mostImages("a.png", 16, square(256), { scale: 8 }), 12);
});
