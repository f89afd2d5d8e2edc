import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { decodeImage, decodeMask } from "../../formats/decode_image.ts";
import { fromBytes } from "../../formats/pixels.ts";
import { encodePng } from "../../formats/png.ts";
import { ImageError } from "../../formats/raster/raster.ts";
import { distance, file, fixture, names } from "./pictures.ts";

const aim = { height: 8, width: 6 };
const rgb = { ...aim, channels: 3 };

/** Pillow's bytes, where a kernel may swing beyond them, as values. */
const toValues = (bytes: ArrayLike<number>) =>
  Float32Array.from(bytes, (byte) => Math.min(255, Math.max(0, byte)) / 127.5 - 1);

for (const name of names("cover")) {
  Deno.test(`decodeImage cuts and resizes a ${name} picture as Pillow's ImageOps.fit does, in colour and in gray`, async () => {
    const expected = toValues(fixture(`cover_rgb/${name}`).data as Float32Array);
    assertLess(distance(await decodeImage(file(`cover/${name}`), rgb), expected), 1e-6);
    const gray = toValues(fixture(`cover_gray/${name}`).data as Float32Array);
    assertLess(distance(await decodeImage(file(`cover/${name}`), { ...aim, channels: 1 }), gray), 1e-6);
  });

  Deno.test(`decodeMask resizes a ${name} picture linearly, and turns white into 0`, async () => {
    const gray = fixture(`cover_mask/${name}`).data as Float32Array;
    const expected = Float32Array.from(gray, (value) => 1 - value / 255);
    assertLess(distance(await decodeMask(file(`cover/${name}`), aim), expected), 1e-6);
  });
}

for (const name of names("turned")) {
  Deno.test(`decodeImage turns ${name} as Pillow's exif_transpose does`, async () => {
    const expected = toValues(fixture(`turned_rgb/${name}`).data as Float32Array);
    assertLess(distance(await decodeImage(file(`turned/${name}`), rgb), expected), 1e-6);
  });
}

Deno.test("decodeImage keeps every value of an image that this program wrote", async () => {
  for (const channels of [1, 3]) {
    const data = Uint8Array.from({ length: 16 * 16 * channels }, (_, i) => i * 7 % 256);
    const png = encodePng({ data, height: 16, width: 16, channels });
    assertEquals(await decodeImage(png, { height: 16, width: 16, channels }), fromBytes(data));
  }
});

Deno.test("decodeImage repeats gray over three channels and takes the luma of colours", async () => {
  const gray = encodePng({ data: Uint8Array.of(0, 100, 200, 255), height: 2, width: 2, channels: 1 });
  const repeated = fromBytes(Uint8Array.of(0, 0, 0, 100, 100, 100, 200, 200, 200, 255, 255, 255));
  assertEquals(await decodeImage(gray, { height: 2, width: 2, channels: 3 }), repeated);
  const red = encodePng({ data: Uint8Array.of(255, 0, 0), height: 1, width: 1, channels: 3 });
  const [luma] = await decodeImage(red, { height: 1, width: 1, channels: 1 });
  assertLess(Math.abs(luma - (255 * 0.299 / 127.5 - 1)), 1e-7);
});

Deno.test("decodeImage lays what is transparent on black", async () => {
  const data = Uint8Array.of(200, 100, 50, 0, 200, 100, 50, 51, 200, 100, 50, 255);
  const png = encodePng({ data, height: 1, width: 3, channels: 4 });
  const expected = fromBytes(Uint8Array.of(0, 0, 0, 40, 20, 10, 200, 100, 50));
  assertEquals(await decodeImage(png, { height: 1, width: 3, channels: 3 }), expected);
});

Deno.test("decodeImage reads 16 bits as 16 bits", async () => {
  const { data, shape: [height, width] } = fixture("pixels/gray_16");
  const values = await decodeImage(file("png/gray_16"), { height, width, channels: 1 });
  const expected = Float32Array.from(data as Int32Array, (value) => value / 32767.5 - 1);
  assertLess(distance(values, expected), 1e-6);
});

Deno.test("decodeMask keeps black, paints white anew, mixes at gray, and takes transparent for black", async () => {
  const data = Uint8Array.of(0, 255, 255, 255, 51, 255, 255, 0);
  const png = encodePng({ data, height: 1, width: 4, channels: 2 });
  assertEquals(await decodeMask(png, { height: 1, width: 4 }), Float32Array.of(1, 0, 0.8, 1));
});

Deno.test("decodeMask never leaves [0, 1] and keeps what lies far from an edge, whatever it is resized from", async () => {
  const data = Uint8Array.from({ length: 50 * 50 }, (_, i) => i % 50 < 25 ? 0 : 255);
  const png = encodePng({ data, height: 50, width: 50, channels: 1 });
  for (const size of [7, 8, 64]) {
    const mask = await decodeMask(png, { height: size, width: size });
    assertEquals(mask.every((value) => value >= 0 && value <= 1), true);
    assertEquals([mask[0], mask[size - 1]], [1, 0]);
  }
});

Deno.test("decodeImage knows files by their first bytes and says what it reads", async () => {
  const unknown: [Uint8Array, string][] = [
    [new Uint8Array(0), "the file is empty"],
    [new TextEncoder().encode("GIF89a and so on"), "the file is GIF; PNG, JPEG and WebP are read"],
    [new TextEncoder().encode("<svg/>"), "the file is SVG; PNG, JPEG and WebP are read"],
    [Uint8Array.of(0xff, 0xd8), "the file is of no known format; PNG, JPEG and WebP are read"],
  ];
  for (const [bytes, message] of unknown) {
    await assertRejects(() => decodeImage(bytes, rgb), ImageError, message);
    await assertRejects(() => decodeMask(bytes, aim), ImageError, message);
  }
});

Deno.test("decodeImage refuses an extent that is none", async () => {
  const png = file("cover/exact");
  await assertRejects(
    () => decodeImage(png, { ...rgb, height: 0 }),
    RangeError,
    "height must be an integer ≥ 1, received 0",
  );
  await assertRejects(
    () => decodeImage(png, { ...rgb, channels: 4 }),
    RangeError,
    "channels must be 1 or 3, received 4",
  );
  const text = "9" as unknown as number;
  await assertRejects(() => decodeImage(png, { ...rgb, maxPixels: text }), TypeError, "maxPixels must be a number");
});
