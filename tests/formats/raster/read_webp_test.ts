import { assertEquals } from "@std/assert";
import { readWebp } from "../../../formats/raster/read_webp.ts";
import { file, fixture, names } from "../pictures.ts";

for (const name of names("webp")) {
  Deno.test(`readWebp decodes a ${name} file to the bytes that Pillow decodes`, async () => {
    const { shape, data } = fixture(`webp_rgba/${name}`);
    const raster = await readWebp(file(`webp/${name}`), { maxPixels: 1000 });
    assertEquals([raster.height, raster.width, raster.channels], [...shape] as [number, number, 4]);
    assertEquals(raster.data, Uint8ClampedArray.from(data as Uint8Array));
  });
}
