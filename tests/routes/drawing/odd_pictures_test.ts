import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodePng } from "../../../formats/png.ts";
import { oddPicture } from "../../formats/odd_pictures.ts";
import { formOf, gradient, rightHalf, urlOf } from "../pictures.ts";
import { asJson, bytesOf, until, withServer } from "../with_server.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Files that break a rule or are rare, and are opaque, so that what Pillow makes of them are bytes. */
const NAMES = [
  "cmyk/baseline",
  "cmyk/photoshop",
  "cmyk/progressive_ycck",
  "jpeg/stray_bytes_before_the_scan",
  "jpeg/exif_long_big",
  "jpeg/xmp_element",
  "png/no_end",
  "png/surplus_lines",
  "png/exif_twice",
  "webp/animated_lossy",
  "webp/part_lossless_0",
];

const file = (name: string) => oddPicture(`read/${name}`).data as Bytes;

/** What Pillow makes of it, as a PNG. */
const plain = (name: string): Bytes => {
  const { shape: [height, width], data } = oddPicture(`rgb/${name}`);
  return encodePng({ data: data as Bytes, height, width, channels: 3 });
};

const short = { seed: 2, steps: 2 };

/** How a picture is sent, to every resource that takes one. */
const WAYS: Record<string, (image: Bytes) => Record<string, Bytes | number>> = {
  "/forward": (image) => ({ image, seed: 1, count: 2 }),
  "/img2img": (image) => ({ image, t: 60, ...short }),
  "/inpaint": (image) => ({ image, mask: rightHalf(), ...short }),
  "/reconstruct": (image) => ({ image, steps: 2 }),
  "/interpolate": (image) => ({ imageA: image, imageB: gradient(), t: 60, lambdas: 2, ...short }),
};

Deno.test("every resource draws of an odd picture what it draws of the PNG that Pillow makes of it", () =>
  withServer(async ({ origin }) => {
    const draw = async (path: string, image: Bytes) => {
      const response = await fetch(`${origin}${path}`, { method: "POST", body: formOf(WAYS[path](image)) });
      return await bytesOf(response, "image/png");
    };
    for (const path of Object.keys(WAYS)) {
      for (const name of NAMES) {
        assertEquals(await draw(path, file(name)), await draw(path, plain(name)), `${path} ${name}`);
      }
    }
  }));

Deno.test("an odd picture may be a mask, be sent in JSON, and be a prediction's", () =>
  withServer(async ({ origin }) => {
    const name = "cmyk/baseline";
    const mask = (mask: Bytes) => ({ method: "POST", body: formOf({ image: gradient(), mask, ...short }) });
    const masked = async (image: Bytes) => await bytesOf(await fetch(`${origin}/inpaint`, mask(image)), "image/png");
    assertEquals(await masked(file(name)), await masked(plain(name)));

    const input = { image: urlOf(file(name)), t: 60, ...short };
    const expected = await bytesOf(
      await fetch(`${origin}/img2img`, { method: "POST", body: formOf(WAYS["/img2img"](plain(name))) }),
      "image/png",
    );
    assertEquals(await bytesOf(await fetch(`${origin}/img2img`, asJson(input)), "image/png"), expected);
    const body = { task: "img2img", input };
    const { urls } = await (await fetch(`${origin}/predictions/odd`, asJson(body, { method: "PUT" }))).json();
    await until(
      async () => (await (await fetch(`${origin}/predictions/odd`)).json()).state,
      (state) => state === "succeeded",
    );
    assertEquals(await bytesOf(await fetch(`${origin}${urls.result}`), "image/png"), expected);
  }));

Deno.test("a picture that is refused is refused with its reason", () =>
  withServer(async ({ origin }) => {
    const cases: [image: Bytes, reason: string][] = [
      [oddPicture("refused/jpeg/twelve_bits").data as Bytes, "the JPEG has 12 bits a sample; 8 are read"],
      [oddPicture("bomb/cmyk").data as Bytes, "this one has 60000×60000"],
      [oddPicture("bomb/webp_canvas").data as Bytes, "this one has 16000×16000"],
      [oddPicture("refused/png/cut").data as Bytes, "the image data ends early"],
      [new TextEncoder().encode("\0\0\0\x1cftypavif\0\0\0\0"), "the file is AVIF; PNG, JPEG and WebP are read"],
    ];
    for (const [image, reason] of cases) {
      const response = await fetch(`${origin}/forward`, { method: "POST", body: formOf({ image }) });
      assertEquals([response.status, response.headers.get("content-type")], [422, "application/problem+json"]);
      assertStringIncludes((await response.json()).detail, reason);
    }
  }));
