import { assertEquals } from "@std/assert";
import { decodeNpz } from "../../formats/npz.ts";
import { FORMAT_NAMES, FORMATS } from "../../routes/http/negotiate.ts";
import { decodePng } from "../formats/decode_png.ts";
import { openAnswer, openMultipart } from "./open_answer.ts";
import { formOf, gradient, rightHalf } from "./pictures.ts";
import { bytesOf, withServer } from "./with_server.ts";

const image = gradient();
const short = { steps: 10, frames: 3, seed: 1 };

/** How each resource that draws is asked, how many images it draws, and the extent of the picture of all. */
const ROUTES: [path: string, fields: Parameters<typeof formOf>[0], count: number, extent: number[]][] = [
  ["/img2img", { image, n: 2, t: 60, ...short }, 2, [12, 22]],
  ["/inpaint", { image, mask: rightHalf(), n: 2, jumpSamples: 2, ...short }, 2, [12, 22]],
  ["/interpolate", { imageA: image, imageB: gradient(16), lambdas: 3, ...short }, 3, [12, 32]],
  ["/interpolate", { seedA: 1, seedB: 2, lambdas: 3, ...short }, 3, [12, 32]],
  ["/reconstruct", { image, steps: 10, frames: 3 }, 1, [8, 8]],
  ["/forward", { image, count: 5, seed: 1 }, 5, [12, 52]],
];

const films = (extent: readonly number[], path: string, count: number) =>
  // A film of a strip shows one image at a time.
  path === "/forward" ? { pictures: count, extent: [8, 8] } : { pictures: 3, extent: [...extent] };

const expected = (format: string, path: string, count: number, extent: readonly number[]) => {
  if (format === "png") return { pictures: 1, extent: [...extent] };
  if (format === "apng" || format === "gif") return films(extent, path, count);
  return { pictures: count, extent: [8, 8] };
};

Deno.test("GET /generate and GET /forward answer in every format, by name and by Accept", () =>
  withServer(async ({ origin }) => {
    const query = new URLSearchParams(Object.entries({ ...short, n: 3 }).map(([name, value]) => [name, `${value}`]));
    for (const format of FORMAT_NAMES) {
      const named = await fetch(`${origin}/generate?${query}&format=${format}`);
      assertEquals(await openAnswer(named), expected(format, "/generate", 3, [22, 22]), format);
      const accepted = await fetch(`${origin}/generate?${query}`, { headers: { accept: FORMATS[format] } });
      assertEquals(accepted.headers.get("content-type")!.split(";")[0], FORMATS[format]);
      assertEquals(await openAnswer(accepted), expected(format, "/generate", 3, [22, 22]), format);
      const strip = await fetch(`${origin}/forward?count=5&seed=1&steps=10&format=${format}`);
      assertEquals(await openAnswer(strip), expected(format, "/forward", 5, [12, 52]), `forward ${format}`);
    }
  }));

Deno.test("every resource that takes images answers in every format", () =>
  withServer(async ({ origin }) => {
    for (const [path, fields, count, extent] of ROUTES) {
      for (const format of FORMAT_NAMES) {
        const response = await fetch(`${origin}${path}`, { method: "POST", body: formOf({ ...fields, format }) });
        assertEquals(response.headers.get("content-type")!.split(";")[0], FORMATS[format], `${path} ${format}`);
        assertEquals(await openAnswer(response), expected(format, path, count, extent), `${path} ${format}`);
      }
    }
  }));

Deno.test("all formats hold the same images, with their classes", () =>
  withServer(async ({ origin }) => {
    const ask = (format: string) => fetch(`${origin}/generate?n=4&steps=10&seed=9&format=${format}`);
    const { images } = await (await ask("json")).json();
    const urls = images.map(({ image }: { image: string }) => Uint8Array.fromBase64(image.split(",")[1]));
    const response = await ask("multipart");
    const type = response.headers.get("content-type")!;
    const parts = openMultipart(await response.bytes(), type);
    assertEquals(parts.map(({ body }) => body), urls);
    assertEquals(parts.map(({ headers }) => headers["denoise-label"]), ["red", "green", "blue", "red"]);
    assertEquals(parts.map(({ headers }) => headers["content-disposition"]), [
      'inline; filename="0.png"',
      'inline; filename="1.png"',
      'inline; filename="2.png"',
      'inline; filename="3.png"',
    ]);
    const { arr_0, arr_1 } = decodeNpz(await bytesOf(await ask("npz"), "application/x-npz"));
    assertEquals(
      [...arr_0.data as Uint8Array],
      urls.flatMap((png: Uint8Array<ArrayBuffer>) => [...decodePng(png).data]),
    );
    assertEquals(arr_1.data, BigInt64Array.of(0n, 1n, 2n, 0n));
  }));
