import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { decodeNpz } from "../../../formats/npz.ts";
import { ImageError, type Raster } from "../../../formats/raster/raster.ts";
import { isForMagick, readWithMagick } from "../../../formats/raster/read_with_magick.ts";
import { distance } from "../pictures.ts";

const arrays = decodeNpz(Deno.readFileSync(new URL("../../fixtures/other_pictures.npz", import.meta.url)));
const FILES = Object.keys(arrays).filter((name) => /^(bmp|gif|tiff|pnm|turned)\//.test(name));
const file = (name: string) => arrays[name].data as Uint8Array<ArrayBuffer>;
const read = (bytes: Uint8Array) => readWithMagick(bytes, { maxPixels: 1000 });

/** Their samples go to more or less than 255, and Pillow and ImageMagick round differently on the way there. */
const ROUNDED = new Set(["bmp/rgb565", "tiff/palette", "pnm/gray_to_100"]);

for (const name of FILES) {
  Deno.test(`readWithMagick reads ${name} as Pillow does`, async () => {
    const { shape, data } = arrays[`rgba/${name}`];
    const raster = await read(file(name));
    assertEquals([raster.height, raster.width, raster.channels], [...shape]);
    assertEquals(raster.orientation, name.startsWith("turned/") ? 6 : 1);
    // What is transparent has no colour.
    const visible = (bytes: ArrayLike<number>) => Array.from(bytes, (byte, i) => bytes[i | 3] === 0 ? 0 : byte);
    assertLess(distance(visible(raster.data), visible(data as Uint8Array)), ROUNDED.has(name) ? 2 : 1);
  });
}

Deno.test("isForMagick knows its formats by their first bytes, and leaves others alone", () => {
  for (const name of FILES) assert(isForMagick(file(name)), name);
  for (const start of ["", "B", "P7 ", "P66", "GIF88a", "II", "\x89PNG\r\n", "RIFF", "%!PS", "<svg", "8BPS"]) {
    assertEquals(isForMagick(new TextEncoder().encode(start)), false, start);
  }
});

Deno.test("readWithMagick refuses files that say they are too large before it decodes anything", async () => {
  const bombs = Object.keys(arrays).filter((name) => name.startsWith("bomb/"));
  assertEquals(bombs.length, 5);
  for (const name of bombs) {
    const error = await assertRejects(() => readWithMagick(file(name), { maxPixels: 2 ** 26 }), ImageError);
    assertEquals(error.message.includes("\n"), false);
    assertEquals(error.fault, "too-large", `${name}: ${error.message}`);
  }
});

Deno.test("readWithMagick keeps to the pixels that a TIFF announces, whatever its strip swells to", async () => {
  const { height, width, data } = await read(file("swelling/tiff"));
  assertEquals([height, width, data[0], data[3]], [4, 4, 0, 255]);
});

Deno.test("readWithMagick refuses every file that is cut within its pixels", async () => {
  for (const name of FILES.filter((name) => name !== "gif/animated" && name !== "tiff/pages")) {
    const whole = file(name);
    for (const part of [0.3, 0.6, 0.8]) {
      const bytes = whole.slice(0, Math.floor(part * whole.length));
      const outcome = await read(bytes).catch((error) => error);
      assert(outcome instanceof ImageError, `${name} was read from its first ${bytes.length} of ${whole.length} bytes`);
      assertEquals(outcome.message.includes("\n"), false);
    }
  }
});

/** Numerical Recipes' generator of 32-bit numbers: the same mutations in every run. */
const generator = (seed: number) => (below: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor(seed / 2 ** 32 * below);
};

Deno.test("readWithMagick answers damaged files with a picture or an ImageError, and whole ones as before", async () => {
  const random = generator(1);
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 1500; round++) {
    const bytes = file(FILES[random(FILES.length)]).slice();
    for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
    if (!isForMagick(bytes)) continue;
    const outcome: Raster | Error = await read(bytes).catch((error) => error);
    if (outcome instanceof Error) assert(outcome instanceof ImageError, outcome.stack);
    else assertEquals(outcome.data.length, 4 * outcome.height * outcome.width);
    outcomes[outcome instanceof Error ? "refused" : "read"]++;
  }
  assert(outcomes.read > 100 && outcomes.refused > 100, JSON.stringify(outcomes));
  for (const name of FILES) {
    assertEquals((await read(file(name))).data.length, arrays[`rgba/${name}`].data.length, name);
  }
});
