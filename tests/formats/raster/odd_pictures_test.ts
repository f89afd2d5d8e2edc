import { assert, assertEquals, assertLess, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { zlibSync } from "fflate";
import { concatBytes } from "../../../formats/concat_bytes.ts";
import { coverBytes } from "../../../formats/cover.ts";
import { decodeImage } from "../../../formats/decode_image.ts";
import { turn } from "../../../formats/orientation.ts";
import { toBytes } from "../../../formats/pixels.ts";
import { pngChunk } from "../../../formats/png_chunks.ts";
import { ImageError, type Raster } from "../../../formats/raster/raster.ts";
import { inflateExactly } from "../../../formats/raster/read_png.ts";
import { readRaster } from "../../../formats/raster/read_raster.ts";
import { oddPicture, oddPictures } from "../odd_pictures.ts";
import { distance } from "../pictures.ts";

const maxPixels = 10_000;

const file = (name: string) => oddPicture(name).data as Uint8Array<ArrayBuffer>;

const extentOf = (raster: Raster) => turn(raster, raster.orientation);

/** What Pillow reads and this program does not, and why. */
const REFUSED: Record<string, string> = {
  // The decoder has no arithmetic coding.
  "jpeg/arithmetic": "arithmetic-coded",
  // Without an end, nobody can tell such a file from one whose rest was never written.
  "jpeg/no_end_surplus": "ends early",
  // So libpng does.
  "png/two_headers": "must start with IHDR, and have one",
  "png/palette_missing": "no palette",
  // Nothing is left that tells whether the pixels are right.
  "png/no_zlib_checksum": "the image data ends early",
};

for (const name of oddPictures("read")) {
  if (name in REFUSED) continue;
  Deno.test(`readRaster reads ${name} to the bytes that Pillow makes of it`, async () => {
    const { shape: [height, width], data } = oddPicture(`rgb/${name}`);
    const raster = await readRaster(file(`read/${name}`), { maxPixels });
    const extent = extentOf(raster);
    assertEquals([extent.height, extent.width], [height, width]);
    const shape = { height, width, channels: 3 };
    assertEquals(distance(coverBytes(raster, shape), data as Uint8Array), 0);
    // What a request sends keeps its fractions where it is partly transparent.
    const values = await decodeImage(file(`read/${name}`), { ...shape, maxPixels });
    assertLess(distance(toBytes(values), data as Uint8Array), 2);
  });
}

Deno.test("readRaster refuses, in one line, what Pillow refuses, and little else", async () => {
  const refused = [...oddPictures("refused").map((name) => `refused/${name}`)];
  assert(refused.length >= 30);
  for (const path of [...refused, ...Object.keys(REFUSED).map((name) => `read/${name}`)]) {
    const error = await assertRejects(() => readRaster(file(path), { maxPixels }), ImageError, undefined, path);
    assertMatch(error.message, /^[^\n]{20,120}$/);
    const reason = REFUSED[path.replace("read/", "")];
    if (path.startsWith("read/")) assertStringIncludes(error.message, reason);
  }
});

const refuses = async (bytes: Uint8Array, fault: string, message: string, most = maxPixels) => {
  const error = await assertRejects(() => readRaster(bytes, { maxPixels: most }), ImageError, message);
  assertEquals(error.fault, fault);
};

/** What a call takes of memory outside and inside the heap, in bytes. */
const memoryOf = async (call: () => Promise<unknown>): Promise<number> => {
  const before = Deno.memoryUsage();
  await call();
  const after = Deno.memoryUsage();
  return after.external + after.heapUsed - before.external - before.heapUsed;
};

Deno.test("readRaster refuses CMYK and animations that claim too many pixels, from their headers alone", async () => {
  await refuses(file("bomb/cmyk"), "too-large", "this one has 60000×60000", 2 ** 24);
  await refuses(file("bomb/webp_canvas"), "too-large", "this one has 16000×16000", 2 ** 24);
});

/** A CMYK file with another extent in its frame header. */
const claiming = (name: string, height: number, width: number): Uint8Array => {
  const bytes = file(name).slice();
  const at = bytes.findIndex((byte, i) => byte === 0xff && (bytes[i + 1] === 0xc0 || bytes[i + 1] === 0xc2));
  new DataView(bytes.buffer).setUint16(at + 5, height);
  new DataView(bytes.buffer).setUint16(at + 7, width);
  return bytes;
};

Deno.test("readRaster takes no memory for pixels that the data of a CMYK file do not hold", async () => {
  for (const name of ["read/cmyk/baseline", "read/cmyk/progressive", "read/cmyk/restarts"]) {
    const bytes = claiming(name, 4000, 4000);
    assertLess(await memoryOf(() => refuses(bytes, "damaged", "the JPEG data is damaged", 2 ** 24)), 8e6, name);
  }
});

Deno.test("readRaster refuses a CMYK file that makes a decoder pass over it again and again", async () => {
  const whole = file("read/cmyk/progressive");
  const at = whole.findIndex((byte, i) => byte === 0xff && whole[i + 1] === 0xda);
  const next = whole.findIndex((byte, i) => i > at + 2 && byte === 0xff && whole[i + 1] >= 0xc0 && whole[i + 1] < 0xff);
  const many = concatBytes([
    whole.subarray(0, next),
    ...Array(200).fill(whole.subarray(at, next)),
    whole.subarray(next),
  ]);
  await refuses(many, "unsupported", "more than 100 scans");
});

Deno.test("readRaster refuses CMYK whose components are laid out so that they do not come apart", async () => {
  const bytes = file("read/cmyk/baseline").slice();
  const at = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0);
  bytes[at + 10 + 3 * 3 + 1] = 0x22;
  await refuses(bytes, "unsupported", "in a way that is not read");
});

/** A WebP whose chunks of a kind are repeated. */
const repeating = (bytes: Uint8Array, type: string, times: number): Uint8Array => {
  const text = new TextDecoder("latin1").decode(bytes);
  const at = text.indexOf(type);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 4, true);
  const chunk = bytes.subarray(at, at + 8 + length + (length & 1));
  const all = concatBytes([bytes.subarray(0, at), ...Array(times).fill(chunk), bytes.subarray(at + chunk.length)]);
  new DataView(all.buffer).setUint32(4, all.length - 8, true);
  return all;
};

Deno.test("readRaster decodes one frame of an animation, however many there are", async () => {
  const bytes = file("read/webp/one_frame");
  const once = await readRaster(bytes, { maxPixels });
  const many = repeating(bytes, "ANMF", 50_000);
  assert(many.length > 5e6);
  assertEquals(await readRaster(many, { maxPixels }), once);
});

/** A PNG of the fixtures with chunks before its image data. */
const withChunks = (...chunks: Uint8Array[]): Uint8Array => {
  const whole = file("read/png/plain");
  return concatBytes([whole.subarray(0, 33), ...chunks, whole.subarray(33)]);
};

const text = (content: string) => new TextEncoder().encode(content);

Deno.test("readRaster looks through a mebibyte of a text that swells, and through one text of a kind", async () => {
  const expected = await readRaster(file("read/png/plain"), { maxPixels });
  const bomb = zlibSync(new Uint8Array(20_000_000));
  assertLess(bomb.length, 40_000);
  const xmp = pngChunk("iTXt", concatBytes([text("XML:com.adobe.xmp\0\x01\0\0\0"), bomb]));
  const exif = pngChunk("zTXt", concatBytes([text("Raw profile type exif\0\0"), bomb]));
  const swelling = withChunks(...Array(20).fill(xmp), ...Array(20).fill(exif));
  let raster: Raster | null = null;
  assertLess(await memoryOf(async () => raster = await readRaster(swelling, { maxPixels })), 64e6);
  assertEquals(raster, expected);
});

Deno.test("readRaster answers EXIF and XMP that lead nowhere with the picture as it is", async () => {
  const expected = await readRaster(file("read/png/plain"), { maxPixels });
  const many = concatBytes([text("II*\0\x08\0\0\0"), Uint8Array.of(0xff, 0xff), new Uint8Array(12 * 65_535)]);
  const exifs = [text("Exif\0\0".repeat(500_000)), many, text("II*\0\xff\xff\xff\x7f"), text("MM"), new Uint8Array(0)];
  for (const exif of exifs) {
    assertEquals(await readRaster(withChunks(pngChunk("eXIf", exif)), { maxPixels }), expected);
  }
  const xmp = text("XML:com.adobe.xmp\0\0\0\0\0" + '<a tiff:Orientation="'.repeat(100_000));
  assertEquals(await readRaster(withChunks(pngChunk("iTXt", xmp)), { maxPixels }), expected);
});

/** Bytes that count how often a piece is taken of them. */
const counting = (bytes: Uint8Array): { bytes: Uint8Array; pieces: () => number } => {
  let taken = 0;
  const proxy = new Proxy(bytes, {
    get: (target, key) => {
      if (key !== "subarray") return Reflect.get(target, key, target);
      return (from: number, to: number) => {
        taken++;
        return target.subarray(from, to);
      };
    },
  });
  return { bytes: proxy, pieces: () => taken };
};

Deno.test("inflateExactly takes no more than a few pieces of what follows the bytes that it was asked for", () => {
  const whole = new Uint8Array(1000).fill(7);
  // It swells; it ends, with the right checksum, and much follows; it ends too soon, and much follows.
  const swelling = counting(zlibSync(new Uint8Array(20_000_000).fill(7)));
  assert(swelling.bytes.length > 10_000);
  assertEquals(inflateExactly(swelling.bytes, 1000), whole);
  assertEquals(swelling.pieces(), 1);
  const followed = counting(concatBytes([zlibSync(whole), new Uint8Array(1_000_000)]));
  assertEquals(inflateExactly(followed.bytes, 1000), whole);
  assertLess(followed.pieces(), 200);
  const short = counting(concatBytes([zlibSync(whole.subarray(1)), new Uint8Array(1_000_000)]));
  let message = "";
  try {
    inflateExactly(short.bytes, 1000);
  } catch (error) {
    message = (error as Error).message;
  }
  assertStringIncludes(message, "ends after 999 of the 1000 bytes");
  assertLess(short.pieces(), 200);
});
