import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { zlibSync } from "fflate";
import { concatBytes } from "../../formats/concat_bytes.ts";
import { decodeImage } from "../../formats/decode_image.ts";
import { isPng, PNG_SIGNATURE, pngChunk, pngChunks } from "../../formats/png_chunks.ts";
import { ImageError, type ImageFault } from "../../formats/raster/raster.ts";
import { oddPicture, oddPictures } from "./odd_pictures.ts";
import { file as fileOf, names } from "./pictures.ts";

const aim = { height: 8, width: 6, channels: 3, maxPixels: 2000 };

/** The odd ones whose readers are others than those of the rest. */
const ODD = oddPictures("read").filter((name) => /^(cmyk|webp\/(animated|part|xmp)|png\/(xmp|exif))/.test(name));

const FILES = [
  ...["png", "jpeg", "webp", "turned"].flatMap((kind) => names(kind).map((name) => `${kind}/${name}`)),
  ...ODD.map((name) => `read/${name}`),
];

const file = (name: string): Uint8Array<ArrayBuffer> =>
  name.startsWith("read/") ? oddPicture(name).data as Uint8Array<ArrayBuffer> : fileOf(name);

/** An image, or the error that says why not; anything else ends the test. */
const attempt = async (bytes: Uint8Array): Promise<Float32Array | ImageError> => {
  try {
    const values = await decodeImage(bytes, aim);
    assert(values.length === 8 * 6 * 3 && values.every((value) => value >= -1 && value <= 1));
    return values;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return error;
  }
};

const refuses = async (bytes: Uint8Array, fault: ImageFault, message: string, maxPixels = 2000) => {
  const error = await assertRejects(() => decodeImage(bytes, { ...aim, maxPixels }), ImageError);
  assertEquals(error.fault, fault, error.message);
  assertStringIncludes(error.message, message);
};

/** Where the image data of a PNG end; what comes after them is not needed for the pixels. */
const endOfPixels = (bytes: Uint8Array): number => {
  const at = new TextDecoder("latin1").decode(bytes).lastIndexOf("IDAT");
  return isPng(bytes) ? at + 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at - 4) : Infinity;
};

Deno.test("decodeImage refuses every file that is cut within its pixels, wherever", async () => {
  let cuts = 0;
  for (const name of FILES) {
    const whole = file(name);
    const end = endOfPixels(whole);
    for (let length = 0; length < Math.min(whole.length, end); length += length < 64 ? 1 : 7) {
      const outcome = await attempt(whole.slice(0, length));
      assert(outcome instanceof ImageError, `${name} was read from its first ${length} of ${whole.length} bytes`);
      cuts++;
    }
    // Chunks of orientation may stand behind, and are lost then.
    if (end === Infinity || name.includes("after")) continue;
    const values = await attempt(whole);
    for (const length of [end, end + 4, whole.length - 1]) assertEquals(await attempt(whole.slice(0, length)), values);
  }
  assert(cuts > 3000, `only ${cuts} cuts were tried`);
});

/** Numerical Recipes' generator of 32-bit numbers: the same mutations in every run. */
const generator = (seed: number) => (below: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor(seed / 2 ** 32 * below);
};

/** Corrects the checksums of a PNG that has lost them, so that mutations reach what lies behind. */
const withChecksums = (bytes: Uint8Array): Uint8Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Uint8Array[] = [bytes.subarray(0, 8)];
  let at = 8;
  while (at + 12 <= bytes.length && at + 12 + view.getUint32(at) <= bytes.length) {
    const end = at + 8 + view.getUint32(at);
    pieces.push(pngChunk(String.fromCharCode(...bytes.subarray(at + 4, at + 8)), bytes.subarray(at + 8, end)));
    at = end + 4;
  }
  return concatBytes([...pieces, bytes.subarray(at)]);
};

Deno.test("decodeImage answers thousands of damaged files with an image or an ImageError, and whole ones as before", async () => {
  const random = generator(1);
  const outcomes = { read: 0, refused: 0 };
  const before = new Map<string, Float32Array | ImageError>();
  for (const name of FILES) before.set(name, await attempt(file(name)));
  for (let round = 0; round < 6000; round++) {
    const name = FILES[random(FILES.length)];
    const bytes = file(name).slice();
    for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
    const isPng = name.includes("png");
    const outcome = await attempt(isPng && random(2) === 0 ? withChecksums(bytes) : bytes);
    outcomes[outcome instanceof ImageError ? "refused" : "read"]++;
  }
  // Neither may be all: then nothing would have been reached.
  assert(outcomes.read > 500 && outcomes.refused > 500, JSON.stringify(outcomes));
  for (const name of FILES) assertEquals(await attempt(file(name)), before.get(name));
});

const header = (width: number, height: number, depth = 8, colour = 2): Uint8Array => {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([depth, colour], 8);
  return pngChunk("IHDR", data);
};

const png = (...chunks: Uint8Array[]) => concatBytes([PNG_SIGNATURE, ...chunks, pngChunk("IEND", new Uint8Array(0))]);

Deno.test("decodeImage refuses a file that claims too many pixels, from its header alone", async () => {
  const message = "2000 pixels, this one has 65535×65535";
  await refuses(png(header(65535, 65535)), "too-large", message);
  const jpeg = file("jpeg/baseline").slice();
  const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  jpeg.set([0xff, 0xff, 0xff, 0xff], frame + 5);
  await refuses(jpeg, "too-large", message);
  const webp = file("webp/lossless").slice();
  webp.set([0xff, 0xff, 0xff, 0x0f], 21);
  await refuses(webp, "too-large", "this one has 16384×16384");
  await refuses(png(header(2 ** 31 - 1, 2 ** 31 - 1)), "too-large", "2147483647×2147483647");
  await refuses(png(header(0, 5)), "damaged", "no pixels");
});

Deno.test("decodeImage takes no memory for pixels that a file's length cannot hold", async () => {
  const claim = png(header(4096, 4096, 16, 6), pngChunk("IDAT", zlibSync(new Uint8Array(100))));
  const before = Deno.memoryUsage();
  await refuses(claim, "damaged", "cannot hold", 2 ** 24);
  const { external, heapUsed } = Deno.memoryUsage();
  assertLess(external + heapUsed - before.external - before.heapUsed, 16e6);
});

Deno.test("decodeImage stops at the length that the picture takes, however much a small file inflates to", async () => {
  const bomb = zlibSync(new Uint8Array(50_000_000), { level: 9 });
  assertLess(bomb.length, 60_000);
  const before = Deno.memoryUsage();
  const black = await decodeImage(png(header(16, 16), pngChunk("IDAT", bomb)), aim);
  const { external, heapUsed } = Deno.memoryUsage();
  assertLess(external + heapUsed - before.external - before.heapUsed, 8e6);
  assert(black.every((value) => value === -1));
  // Profiles and text are not inflated at all.
  const profile = concatBytes([Uint8Array.of(97, 0, 0), bomb]);
  const whole = [...pngChunks(file("png/rgb_8"))].map(({ type, data }) => pngChunk(type, data));
  const extras = [pngChunk("iCCP", profile), pngChunk("zTXt", profile)];
  const carrier = concatBytes([PNG_SIGNATURE, whole[0], ...extras, ...whole.slice(1)]);
  assertEquals(await decodeImage(carrier, aim), await decodeImage(file("png/rgb_8"), aim));
});

Deno.test("decodeImage names what is wrong with a PNG", async () => {
  const chunks = [...pngChunks(file("png/palette_4"))];
  const rebuilt = (change: (chunk: { type: string; data: Uint8Array }) => Uint8Array[]) =>
    concatBytes([PNG_SIGNATURE, ...chunks.flatMap(change)]);
  const keep = ({ type, data }: { type: string; data: Uint8Array }) => pngChunk(type, data);
  const [first] = chunks;
  const cases: [Uint8Array, ImageFault, string][] = [
    [rebuilt((chunk) => chunk.type === "PLTE" ? [] : [keep(chunk)]), "damaged", "no palette"],
    [
      rebuilt((chunk) => [chunk.type === "PLTE" ? pngChunk("PLTE", new Uint8Array(771)) : keep(chunk)]),
      "damaged",
      "three a colour",
    ],
    [
      rebuilt((chunk) => [keep(chunk), ...(chunk === first ? [keep(chunk)] : [])]),
      "damaged",
      "must start with IHDR, and have one",
    ],
    [rebuilt((chunk) => chunk === first ? [] : [keep(chunk)]), "damaged", "must start with IHDR"],
    [
      rebuilt((chunk) => [chunk.type === "IDAT" ? pngChunk("IDAT", new Uint8Array(9)) : keep(chunk)]),
      "damaged",
      "the image data is damaged",
    ],
    [png(header(2, 1, 8, 0), pngChunk("IDAT", zlibSync(Uint8Array.of(9, 1, 1)))), "damaged", "the filter 9"],
    [
      png(header(2, 1, 8, 0), pngChunk("IDAT", zlibSync(Uint8Array.of(0, 1)))),
      "damaged",
      "ends after 2 of the 3 bytes",
    ],
    [png(header(2, 1, 4, 2)), "damaged", "no colour type 2 with 4 bits"],
  ];
  for (const [bytes, fault, message] of cases) await refuses(bytes, fault, message);
});
