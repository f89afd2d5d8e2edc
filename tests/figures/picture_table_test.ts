import { assertEquals, assertThrows } from "@std/assert";
import { drawPicture, drawPictureTable, extentFor } from "../../figures/picture_table.ts";
import { decodePng } from "../formats/decode_png.ts";

const shape = { height: 32, width: 32, channels: 1 };

Deno.test("extentFor draws small images at a multiple of their size, so that pixels are even, and large ones as asked", () => {
  assertEquals(extentFor(shape, 100), { width: 96, height: 96 });
  assertEquals(extentFor(shape, 60), { width: 48, height: 48 });
  assertEquals(extentFor({ ...shape, height: 16 }, 70), { width: 64, height: 32 });
  assertEquals(extentFor({ height: 512, width: 256, channels: 3 }, 80.5), { width: 80, height: 160 });
});

/** The picture that an SVG has embedded. */
const embedded = (svg: string) => decodePng(Uint8Array.fromBase64(/base64,([^"]+)"/.exec(svg)![1]));

Deno.test("drawPicture embeds two pixels for a unit: blocks of a small image's, a large one made smaller", () => {
  const values = new Float32Array(32 * 32).map((_, i) => i % 2 === 0 ? -1 : 5);
  const small = embedded(drawPicture({ ...shape, values }, 0, 0, { width: 48, height: 48 }));
  assertEquals([small.width, small.height], [96, 96]);
  assertEquals([...small.data.subarray(0, 7)], [0, 0, 0, 255, 255, 255, 0]);
  const gray = new Float32Array(256 * 256 * 3);
  const large = embedded(
    drawPicture({ height: 256, width: 256, channels: 3, values: gray }, 0, 0, { width: 40, height: 40 }),
  );
  assertEquals([large.width, large.height, large.channels], [80, 80, 3]);
  assertEquals(new Set(large.data), new Set([128]));
});

Deno.test("a table leaves places without pictures empty, and needs one at least", () => {
  const picture = { ...shape, values: new Float32Array(32 * 32) };
  const table = (pictures: (typeof picture | null)[]) => ({
    title: "a test",
    caption: { head: "Test.", text: "Of a table." },
    columns: pictures.map(() => ({})),
    rows: [{ pictures }],
  });
  assertEquals(drawPictureTable(table([picture, null, picture])).match(/<image/g)!.length, 2);
  assertThrows(() => drawPictureTable(table([null])), RangeError, "received none");
});
