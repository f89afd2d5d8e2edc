import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formOf, gradient, rightHalf } from "../pictures.ts";
import { asJson, withServer } from "../with_server.ts";

const image = gradient();

/** A PNG whose header claims 65535×65535 pixels. */
const bomb = (): Uint8Array<ArrayBuffer> => {
  const png = gradient();
  const view = new DataView(png.buffer);
  view.setUint32(16, 65535);
  view.setUint32(20, 65535);
  return png;
};

const form = (fields: Parameters<typeof formOf>[0]): RequestInit => ({ method: "POST", body: formOf(fields) });

const twice = () => {
  const body = formOf({ image });
  body.append("image", new Blob([image]), "b.png");
  return { method: "POST", body };
};

const text = (body: string, type: string): RequestInit => ({ method: "POST", body, headers: { "content-type": type } });

Deno.test("an image that is none, missing, twice there or a bomb is refused, and the field named", () =>
  withServer(async ({ origin }) => {
    const cases: [init: RequestInit, says: string][] = [
      [form({ t: 3 }), "image must be a PNG, JPEG or WebP"],
      [form({ image: new Uint8Array([1, 2, 3]) }), "image must be a PNG, JPEG or WebP"],
      [form({ image: image.slice(0, 100) }), "image must be a PNG, JPEG or WebP"],
      [form({ image: bomb() }), "image must be a PNG, JPEG or WebP"],
      [form({ image: "not base64!" }), "neither base64 nor"],
      [asJson({ image: "data:image/png;base64,////" }), "image must be a PNG, JPEG or WebP"],
      [asJson({ image: "" }), "image must be a PNG, JPEG or WebP"],
      [asJson({ image: 7 }), "image must be a PNG, JPEG or WebP"],
      [twice(), "image must be a PNG, JPEG or WebP"],
      [form({ image, t: 100 }), "t must be"],
      [form({ image, t: -1 }), "t must be"],
      [form({ image, colour: "red" }), "colour must be absent"],
      [form({ image, steps: image }), "steps must be a number"],
    ];
    for (const [init, says] of cases) {
      const started = performance.now();
      const response = await fetch(`${origin}/img2img`, init);
      const problem = await response.json();
      assertEquals([response.status, problem.status], [422, 422], says);
      assertStringIncludes(problem.detail, says);
      assert(JSON.stringify(problem).length < 2000, "what was sent is not said back");
      assert(performance.now() - started < 10_000);
    }
    const mask = await fetch(`${origin}/inpaint`, form({ image, mask: new Uint8Array([1]) }));
    assertEquals([mask.status, (await mask.json()).errors[0].field], [422, "mask"]);
  }));

Deno.test("a body of another type is 415, one that cannot be parsed 400, one that is too large 413", () =>
  withServer(async ({ origin }) => {
    const cases: [init: RequestInit, status: number][] = [
      [text("image=x", "application/x-www-form-urlencoded"), 415],
      [text("hello", "text/plain"), 415],
      [{ method: "POST" }, 415],
      [text("no form", "multipart/form-data"), 400],
      [text("no form", "multipart/form-data; boundary=x"), 400],
      [text("{", "application/json"), 400],
      [form({ image: new Uint8Array(50_000) }), 413],
      [asJson({ image: "A".repeat(50_000) }), 413],
    ];
    for (const [init, status] of cases) {
      const response = await fetch(`${origin}/img2img`, init);
      assertEquals([response.status, (await response.json()).status], [status, status]);
    }
    const fits = await fetch(`${origin}/inpaint`, form({ image, mask: rightHalf(), steps: 1 }));
    assertEquals(fits.status, 200);
    await fits.body!.cancel();
  }, { limits: { imageBytes: 40_000 } }));
