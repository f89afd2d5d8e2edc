import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { decodePng } from "../../formats/decode_png.ts";
import { formOf, gradient, rightHalf, urlOf } from "../pictures.ts";
import { asJson, bytesOf, withServer } from "../with_server.ts";

const image = gradient();

const draw = async (url: string, init: RequestInit) => {
  const response = await fetch(url, init);
  return { headers: response.headers, bytes: await bytesOf(response, "image/png") };
};

const post = (body: FormData): RequestInit => ({ method: "POST", body });

const distance = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, byte, i) => sum + Math.abs(byte - b[i]), 0) / a.length;

Deno.test("an image comes as a form's file, as base64 or as a data: URL, and is cropped and resized to the model's extent", () =>
  withServer(async ({ origin }) => {
    const rest = { t: 50, steps: 10, seed: 3 };
    const url = `${origin}/img2img`;
    const { bytes } = await draw(url, post(formOf({ image, ...rest })));
    const ways = [
      asJson({ image: urlOf(image), ...rest }),
      asJson({ image: image.toBase64(), ...rest }),
      post(formOf({ image: image.toBase64(), ...rest })),
    ];
    for (const init of ways) assertEquals((await draw(url, init)).bytes, bytes);
    const { height, width } = decodePng((await draw(url, post(formOf({ image: gradient(37), ...rest })))).bytes);
    assertEquals([height, width], [8, 8]);
  }));

Deno.test("POST /img2img: the later t, the further from the image; what is not said is in the headers", () =>
  withServer(async ({ origin }) => {
    const source = decodePng(image).data;
    const at = async (t: number) => {
      const fields = { image, t, steps: 100, seed: 3 };
      return distance(decodePng((await draw(`${origin}/img2img`, post(formOf(fields)))).bytes).data, source);
    };
    const [near, middle, far] = [await at(0), await at(40), await at(99)];
    assert(near < 10 && near < middle && middle < far, `${near}, ${middle}, ${far}`);

    const { headers, bytes } = await draw(`${origin}/img2img`, post(formOf({ image, n: 2 })));
    const said = ["t", "steps", "n", "sampler", "guidance"].map((name) => headers.get(`denoise-${name}`));
    assertEquals([said, headers.get("denoise-task")], [["49", "50", "2", "ddpm", "1"], "img2img"]);
    const seed = headers.get("denoise-seed")!;
    assertEquals((await draw(`${origin}/img2img`, post(formOf({ image, n: 2, seed, t: 49 })))).bytes, bytes);
  }));

Deno.test("POST /inpaint: black keeps the image to the bit, white is drawn anew", () =>
  withServer(async ({ origin }) => {
    const fields = { image, mask: rightHalf(), steps: 20, jumpSamples: 2, jumpLength: 5, seed: 3 };
    const { headers, bytes } = await draw(`${origin}/inpaint`, post(formOf(fields)));
    assertEquals([headers.get("denoise-jump-length"), headers.get("denoise-jump-samples")], ["5", "2"]);
    const [made, given] = [decodePng(bytes).data, decodePng(image).data];
    const half = (pixels: Uint8Array, side: 0 | 1) => pixels.filter((_, i) => Math.floor(i / 12) % 2 === side);
    assertEquals(half(made, 0), half(given, 0));
    assertNotEquals(half(made, 1), half(given, 1));
    const refused = await fetch(`${origin}/inpaint`, post(formOf({ ...fields, sampler: "heun" })));
    assertEquals([refused.status, (await refused.json()).errors[0].allowed], [422, "one of ddpm, ddim"]);
  }));

Deno.test("POST /interpolate: its ends are what each source alone gives; T steps and half of them by default", () =>
  withServer(async ({ origin }) => {
    const ddim = { sampler: "ddim", steps: 10, label: "red" };
    const tilesOf = async (fields: Parameters<typeof formOf>[0]) => {
      const response = await fetch(`${origin}/interpolate`, post(formOf({ ...fields, format: "json" })));
      const { images, parameters } = await response.json();
      return { images, parameters, tiles: images.map(({ image }: { image: string }) => image) as string[] };
    };
    const one = async (query: string) =>
      urlOf((await draw(`${origin}/generate?sampler=ddim&steps=10&label=red&${query}`, {})).bytes);

    for (const method of ["linear", "spherical"]) {
      const { images, tiles } = await tilesOf({ seedA: 4, seedB: 5, lambdas: 5, method, ...ddim });
      assertEquals(images.map(({ lambda }: { lambda: number }) => lambda), [0, 0.25, 0.5, 0.75, 1]);
      assertEquals([tiles[0], tiles[4]], [await one("seed=4"), await one("seed=5")], method);
      assertEquals(new Set(tiles).size, 5);
    }

    const images = { imageA: image, imageB: gradient(16), seed: 3 };
    const { tiles } = await tilesOf({ ...images, t: 30, ...ddim, lambdas: 2 });
    const { tiles: [first, other] } = await tilesOf({ ...images, imageB: rightHalf(), t: 30, ...ddim, lambdas: 2 });
    assertEquals([first === tiles[0], other === tiles[1]], [true, false]);

    const { parameters } = await tilesOf({ ...images, lambdas: 2 });
    assertEquals([parameters.t, parameters.steps, parameters.sampler], [49, 100, "ddpm"]);
  }));

Deno.test("POST /interpolate: anything but two images or two seeds is refused", () =>
  withServer(async ({ origin }) => {
    const cases: Parameters<typeof formOf>[0][] = [
      { seedA: 1 },
      { imageA: image, seedB: 1 },
      { imageA: image, imageB: image, seedA: 1, seedB: 2 },
      { lambdas: 3 },
    ];
    for (const fields of cases) {
      const response = await fetch(`${origin}/interpolate`, post(formOf(fields)));
      assertEquals(response.status, 422);
      assertStringIncludes((await response.json()).detail, "imageA and imageB, or as seedA and seedB");
    }
  }));

Deno.test("POST /reconstruct: the more steps, the closer it comes back; the measure is the images' own", () =>
  withServer(async ({ origin }) => {
    const at = async (steps: number) => {
      const { headers, bytes } = await draw(`${origin}/reconstruct`, post(formOf({ image, steps })));
      const [made, given] = [bytes, image].map((png) => Float64Array.from(decodePng(png).data, (b) => b / 127.5 - 1));
      const mse = made.reduce((sum, value, i) => sum + (value - given[i]) ** 2, 0) / made.length;
      return [Number(headers.get("denoise-mse")), mse];
    };
    const [[few], [many, seen]] = [await at(5), await at(100)];
    assert(many < few, `${many}, ${few}`);
    assert(Math.abs(many - seen) < 0.01 + 0.1 * many, `${many}, ${seen}`);
  }));
