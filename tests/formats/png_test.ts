import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { encodePng } from "../../formats/png.ts";
import { decodePng } from "./decode_png.ts";

const fixtures = new URL("../fixtures/formats/", import.meta.url);
const read = (name: string) => Deno.readFileSync(new URL(name, fixtures));
const expected = JSON.parse(new TextDecoder().decode(read("expected.json")));

Deno.test("decodePng reads the RGB pixels that Pillow wrote", () => {
  const image = decodePng(read("rgb.png"));
  assertEquals([image.height, image.width, image.channels], [5, 7, 3]);
  assertEquals([...image.data], expected.rgb);
});

Deno.test("decodePng reads the gray pixels that Pillow wrote", () => {
  const image = decodePng(read("gray.png"));
  assertEquals([image.height, image.width, image.channels], [5, 7, 1]);
  assertEquals([...image.data], expected.rgb.filter((_: number, i: number) => i % 3 === 0));
});

Deno.test("decodePng resolves the palette of a picture that Pillow quantized", () => {
  const image = decodePng(read("palette.png"));
  assertEquals(image.channels, 3);
  assertEquals([...image.data], expected.palette);
});

Deno.test("encodePng and decodePng keep every pixel, of 1 to 4 channels, at every level of compression", () => {
  for (const channels of [1, 2, 3, 4]) {
    const data = Uint8Array.from({ length: 6 * 9 * channels }, (_, i) => (i * 37) % 256);
    for (const level of [0, 6, 9] as const) {
      const image = { data, height: 6, width: 9, channels };
      assertEquals(decodePng(encodePng(image, { level })), image);
    }
  }
});

Deno.test("encodePng makes the same bytes of the same image", () => {
  const image = { data: new Uint8Array(32 * 32).fill(7), height: 32, width: 32, channels: 1 };
  assertEquals(encodePng(image), encodePng(image));
  assertLess(encodePng(image).length, 200);
});

Deno.test("decodePng names what is wrong with a damaged file", () => {
  const whole = read("rgb.png");
  const flipped = whole.slice();
  flipped[45] ^= 0xff;
  for (const bytes of [new Uint8Array(0), read("uint8.npy"), whole.subarray(0, 50), flipped]) {
    assertThrows(() => decodePng(bytes), SyntaxError, "cannot read PNG: ");
  }
});

Deno.test("encodePng refuses data that does not match the extent", () => {
  assertThrows(
    () => encodePng({ data: new Uint8Array(5), height: 2, width: 2, channels: 1 }),
    RangeError,
    "2×2×1 bytes, received 5",
  );
});
