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

Deno.test("a packed body is 415, and the answer says how to send it, as it does of a body of another type", () =>
  withServer(async ({ origin }) => {
    const parameters = new Blob([JSON.stringify({ steps: 1 })]).stream().pipeThrough(new CompressionStream("gzip"));
    const body = await new Response(parameters).bytes();
    const send = async (path: string, headers: Record<string, string>, method = "POST") => {
      const response = await fetch(`${origin}${path}`, { method, body, headers });
      return { status: response.status, headers: response.headers, problem: await response.json() };
    };
    const packed = { "content-type": "application/json", "content-encoding": "gzip" };
    for (
      const [path, method] of [["/generate"], ["/img2img"], ["/models"], ["/jobs"], ["/predictions/x", "PUT"]]
    ) {
      const { status, headers, problem } = await send(path, packed, method);
      assertEquals([status, headers.get("accept-encoding"), headers.get("accept")], [415, "identity", null], path);
      assertEquals(
        problem.detail,
        'send the body as it is: content-encoding must be identity, received "gzip"',
      );
    }
    const typed = await send("/img2img", { "content-type": "text/plain" });
    assertEquals([typed.status, typed.headers.get("accept-encoding")], [415, null]);
    assertEquals(typed.headers.get("accept"), "multipart/form-data, application/json");
    const plain = await fetch(
      `${origin}/generate`,
      asJson({ steps: 1 }, { headers: { "content-encoding": "Identity" } }),
    );
    assertEquals(plain.status, 200);
    await plain.body!.cancel();
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
