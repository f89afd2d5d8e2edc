import { assertEquals, assertGreater } from "@std/assert";
import { cover, coverBytes } from "../../formats/cover.ts";
import { decodeNpz } from "../../formats/npz.ts";
import { readRaster } from "../../formats/raster/read_raster.ts";
import { distance } from "./pictures.ts";

/** tests/fixtures/sharp_pictures.py tells of each. */
const arrays = decodeNpz(Deno.readFileSync(new URL("../fixtures/sharp_pictures.npz", import.meta.url)));
const bytesOf = (name: string) => arrays[name].data as Uint8Array<ArrayBuffer>;

const read = (name: string) => readRaster(bytesOf(`file/${name}`), { maxPixels: 2 ** 20 });

const made = Object.keys(arrays).map((path) => path.split("/")).filter(([kind]) => kind !== "file");

for (const name of new Set(made.map(([, name]) => name))) {
  Deno.test(`coverBytes makes every byte of the sharp picture ${name} as Pillow does, in colour and in gray`, async () => {
    const raster = await read(name);
    for (const [kind, , size] of made.filter(([, other]) => other === name)) {
      const shape = { height: Number(size), width: Number(size), channels: kind === "rgb" ? 3 : 1 };
      const expected = bytesOf(`${kind}/${name}/${size}`);
      assertEquals(distance(coverBytes(raster, shape), expected), 0, `${kind} to ${size}`);
    }
  });
}

Deno.test("cover rounds nothing, and so makes another picture of sharp edges than coverBytes", async () => {
  const raster = await read("noise"), shape = { height: 32, width: 32, channels: 1 };
  assertGreater(
    distance(cover(raster, shape).map((value) => Math.min(255, Math.max(0, value))), coverBytes(raster, shape)),
    8,
  );
});
