import { assertEquals, assertThrows } from "@std/assert";
import { gridSize, tile } from "../../formats/grid.ts";

Deno.test("tile lays three gray pixels on a 2 × 2 grid, padding around and between", () => {
  const picture = tile({ data: Uint8Array.of(1, 2, 3), height: 1, width: 1, channels: 1 }, { padding: 1 });
  assertEquals([picture.height, picture.width, picture.channels], [5, 5, 1]);
  assertEquals([...picture.data], [0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("tile keeps the pixels and rows of RGB images together", () => {
  const data = Uint8Array.from({ length: 2 * 2 * 1 * 3 }, (_, i) => i + 1);
  const picture = tile({ data, height: 2, width: 1, channels: 3 }, { columns: 2, padding: 0, background: 255 });
  assertEquals([picture.height, picture.width], [2, 2]);
  assertEquals([...picture.data], [1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12]);
});

Deno.test("tile fills the cells that no image takes, and the padding, with the background", () => {
  const picture = tile({ data: Uint8Array.of(5, 5, 5), height: 1, width: 1, channels: 1 }, {
    columns: 2,
    background: 9,
  });
  assertEquals(picture.data.filter((byte) => byte === 5).length, 3);
  assertEquals(picture.data.filter((byte) => byte === 9).length, picture.data.length - 3);
});

Deno.test("gridSize takes as many columns as the square root of the count, rounded up, and no more than images", () => {
  const extent = { height: 32, width: 32 };
  assertEquals(gridSize(16, extent), { columns: 4, rows: 4, height: 138, width: 138 });
  assertEquals(gridSize(5, extent), { columns: 3, rows: 2, height: 70, width: 104 });
  assertEquals(gridSize(1, extent), { columns: 1, rows: 1, height: 36, width: 36 });
  assertEquals(gridSize(3, extent, { columns: 10 }).columns, 3);
});

Deno.test("tile refuses no image, a part of one, and no columns", () => {
  const extent = { height: 2, width: 2, channels: 1 };
  assertThrows(() => tile({ data: new Uint8Array(0), ...extent }), RangeError, "received 0 bytes");
  assertThrows(() => tile({ data: new Uint8Array(5), ...extent }), RangeError, "received 5 bytes");
  assertThrows(() => tile({ data: new Uint8Array(4), ...extent }, { columns: 0 }), RangeError, "received 0");
});
