import { assertEquals } from "@std/assert";
import { readPng } from "../../../formats/raster/read_png.ts";
import { file, fixture, names } from "../pictures.ts";

for (const name of names("png")) {
  Deno.test(`readPng reads ${name} as it was written, and as Pillow reads it`, () => {
    const { shape, data } = fixture(`pixels/${name}`);
    const raster = readPng(file(`png/${name}`), { maxPixels: 1000 });
    assertEquals([raster.height, raster.width, raster.channels], [...shape] as [number, number, 1]);
    assertEquals([...raster.data], [...data as Int32Array]);
    assertEquals(raster.data instanceof Uint16Array, name.includes("_16"));
    assertEquals(raster.orientation, 1);
  });
}
