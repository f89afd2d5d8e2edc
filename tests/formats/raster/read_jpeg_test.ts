import { assertEquals, assertRejects } from "@std/assert";
import { concatBytes } from "../../../formats/concat_bytes.ts";
import { ImageError } from "../../../formats/raster/raster.ts";
import { readJpeg } from "../../../formats/raster/read_jpeg.ts";
import { file, fixture, names } from "../pictures.ts";

const maxPixels = 1000;

for (const name of names("jpeg")) {
  Deno.test(`readJpeg decodes a ${name} file to the bytes that Pillow decodes`, async () => {
    const { shape, data } = fixture(`jpeg_rgb/${name}`);
    const raster = await readJpeg(file(`jpeg/${name}`), { maxPixels });
    assertEquals([raster.height, raster.width, 3], [...shape]);
    assertEquals(raster.data.filter((_, i) => i % 4 !== 3), Uint8ClampedArray.from(data as Uint8Array));
    assertEquals(raster.data.every((value, i) => i % 4 !== 3 || value === 255), true);
  });
}

Deno.test("readJpeg ignores what follows the end of the image", async () => {
  const whole = file("jpeg/baseline");
  const longer = concatBytes([whole, whole.subarray(0, 100)]);
  assertEquals(await readJpeg(longer, { maxPixels }), await readJpeg(whole, { maxPixels }));
});

Deno.test("readJpeg refuses what makes a decoder pass over the picture again and again", async () => {
  const whole = file("jpeg/progressive");
  const at = whole.findIndex((byte, i) => byte === 0xff && whole[i + 1] === 0xda);
  const next = whole.findIndex((byte, i) => i > at + 2 && byte === 0xff && whole[i + 1] >= 0xc0 && whole[i + 1] < 0xff);
  const scan = whole.subarray(at, next);
  const many = concatBytes([whole.subarray(0, next), ...Array(200).fill(scan), whole.subarray(next)]);
  await assertRejects(() => readJpeg(many, { maxPixels }), ImageError, "more than 100 scans");
});
