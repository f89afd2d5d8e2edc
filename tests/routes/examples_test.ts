import { assertEquals } from "@std/assert";
import { firstPath } from "../../routes/examples.ts";

Deno.test("firstPath: many small images, one large one, as large as is easily looked at", () => {
  const path = (side: number, images = 64) => firstPath({ height: side, width: side }, { images });
  assertEquals(path(32), "/generate?n=16&scale=4");
  assertEquals(path(64), "/generate?n=4&scale=4");
  assertEquals(path(256), "/generate?scale=2");
  assertEquals(path(512), "/generate");
  assertEquals(path(32, 8), "/generate?n=4&scale=8");
  assertEquals(path(8), "/generate?n=16&scale=14");
});
