import { assertEquals, assertStringIncludes } from "@std/assert";
import { tile } from "../../formats/grid.ts";
import { enlarge, RESAMPLERS } from "../../formats/enlarge.ts";
import { FORMAT_NAMES } from "../../routes/http/negotiate.ts";
import { decodePng } from "../formats/decode_png.ts";
import { openAnswer } from "./open_answer.ts";
import { formOf, gradient, rightHalf, urlOf } from "./pictures.ts";
import { asJson, bytesOf, until, withServer } from "./with_server.ts";

const image = gradient();
const short = { steps: 4, frames: 3, seed: 1 };

/** How each resource that draws is asked, and the images of one picture of its film. */
const ROUTES: [path: string, fields: Parameters<typeof formOf>[0]][] = [
  ["/img2img", { image, n: 2, t: 60, ...short }],
  ["/inpaint", { image, mask: rightHalf(), n: 2, jumpSamples: 2, ...short }],
  ["/interpolate", { seedA: 1, seedB: 2, lambdas: 3, ...short }],
  ["/reconstruct", { image, steps: 4, frames: 3 }],
  ["/forward", { image, count: 5, seed: 1 }],
];

const PICTURES = FORMAT_NAMES.filter((format) => format !== "npy" && format !== "npz");

Deno.test("scale= makes the pictures of every format larger, on every path that draws", () =>
  withServer(async ({ origin }) => {
    const larger = async (ask: (scale: number) => Promise<Response>, what: string) => {
      const [small, large] = [await openAnswer(await ask(1)), await openAnswer(await ask(3))];
      assertEquals(large, { ...small, extent: small.extent.map((side) => side * 3) }, what);
    };
    for (const format of PICTURES) {
      for (const path of ["/generate?n=3&steps=4&seed=1", "/forward?count=5&steps=4&seed=1"]) {
        await larger(
          (scale) => fetch(`${origin}${path}&frames=3&format=${format}&scale=${scale}`),
          `${path} ${format}`,
        );
      }
      for (const [path, fields] of ROUTES) {
        const ask = (scale: number) =>
          fetch(`${origin}${path}`, { method: "POST", body: formOf({ ...fields, format, scale }) });
        await larger(ask, `${path} ${format}`);
      }
    }
  }));

Deno.test("scale= shows each image as enlarge makes it, by either resampler, and 1 changes no byte", () =>
  withServer(async ({ origin }) => {
    const path = `${origin}/generate?n=5&steps=4&seed=1`;
    const png = async (query: string) => await bytesOf(await fetch(path + query), "image/png");
    assertEquals(await png("&scale=1&resampler=lanczos"), await png(""));
    const { images } = await (await fetch(`${path}&format=json`)).json();
    const small = images.map(({ image }: { image: string }) => decodePng(Uint8Array.fromBase64(image.split(",")[1])));
    const data = new Uint8Array(small.flatMap(({ data }: { data: Uint8Array }) => [...data]));
    for (const resampler of RESAMPLERS) {
      const expected = tile(enlarge({ data, height: 8, width: 8, channels: 3 }, { scale: 4, resampler }), {
        padding: 8,
      });
      const { data: bytes, height, width } = decodePng(await png(`&scale=4&resampler=${resampler}`));
      assertEquals([height, width], [expected.height, expected.width]);
      assertEquals(new Uint8Array(bytes), expected.data, resampler);
    }
    assertEquals(await png("&scale=4"), await png("&scale=4&resampler=nearest"));
  }));

Deno.test("content-location names the scale of what it answers, too", () =>
  withServer(async ({ origin }) => {
    for (const query of ["scale=3", "scale=2&resampler=lanczos"]) {
      const first = await fetch(`${origin}/generate?n=3&steps=4&${query}`);
      const again = await fetch(origin + first.headers.get("content-location"));
      assertEquals(await again.bytes(), await first.bytes(), query);
    }
  }));

Deno.test("a scale beyond what all pictures may have, out of its range, or of an array is 422 and says what is allowed", () =>
  withServer(async ({ origin }) => {
    const refused = async (query: string) => {
      const response = await fetch(`${origin}/generate?steps=4&${query}`);
      const { detail, errors } = await response.json();
      assertEquals(
        [response.status, errors[0].field],
        [422, query.includes("resampler") ? "resampler" : "scale"],
        detail,
      );
      return errors[0].allowed;
    };
    // 4 images of 8×8 in a grid are 22×22 pixels.
    assertEquals(await refused("n=4&scale=4"), "in [1, 3]: all pictures of this answer may have 5000 pixels together");
    assertEquals(
      await refused("n=4&scale=2&frames=4&format=gif"),
      "1: all pictures of this answer may have 5000 pixels together",
    );
    assertEquals(
      await refused("n=4&scale=2&frames=4&format=event-stream"),
      "1: all pictures of this answer may have 5000 pixels together",
    );
    assertEquals(
      await refused("n=4&scale=5&format=json"),
      "in [1, 4]: all pictures of this answer may have 5000 pixels together",
    );
    assertEquals(
      await refused("scale=2&format=npy"),
      "1 with format npy, which holds the values as the sampler left them",
    );
    await refused("scale=0");
    await refused("scale=17");
    await refused("scale=1.5");
    await refused("resampler=cubic");
    assertEquals((await fetch(`${origin}/generate?steps=4&n=4&scale=3`)).status, 200);
    assertEquals((await fetch(`${origin}/generate?steps=4&scale=1&format=npy`)).status, 200);
    const accepts = await fetch(`${origin}/generate?steps=4&scale=2`, { headers: { accept: "application/x-npz" } });
    assertEquals([accepts.status, (await accepts.json()).errors[0].field], [422, "scale"]);
  }, { limits: { enlargedPixels: 5000 } }));

Deno.test("a prediction's pictures are as large as it was made, or as its result is asked for", () =>
  withServer(async ({ origin }) => {
    const at = `${origin}/predictions/large`;
    const put = (input: unknown) => fetch(at, asJson({ task: "generate", input }, { method: "PUT" }));
    const refused = await put({ steps: 4, n: 4, scale: 16 });
    assertEquals([refused.status, (await refused.json()).errors[0].field], [422, "input.scale"]);
    assertEquals((await put({ steps: 4, n: 4, seed: 1, frames: 2, scale: 2 })).status, 201);
    const follow = async () => (await (await fetch(at)).json()).state;
    await until(follow, (state) => state === "succeeded");

    const result = async (query: string) => await openAnswer(await fetch(`${at}/result${query}`));
    assertEquals((await result("")).extent, [44, 44]);
    assertEquals((await result("?scale=3")).extent, [66, 66]);
    assertEquals((await result("?format=gif&scale=1")).extent, [22, 22]);
    // Of an array nothing was asked.
    assertEquals((await result("?format=npy")).extent, [8, 8]);
    const wrong = await fetch(`${at}/result?format=npy&scale=2`);
    assertEquals([wrong.status, (await wrong.json()).errors[0].field], [422, "scale"]);
    const events = await (await fetch(`${at}/events`)).text();
    const preview = JSON.parse(events.match(/^data: (.*"preview".*)$/m)![1]).preview;
    const { height, width } = decodePng(Uint8Array.fromBase64(preview.x.split(",")[1]));
    assertEquals([height, width], [44, 44]);
  }, { limits: { enlargedPixels: 50_000 } }));

Deno.test("the OpenAPI description lists scale and resampler wherever images are drawn", () =>
  withServer(async ({ origin }) => {
    const text = await (await fetch(`${origin}/openapi.json`)).text();
    const { paths } = JSON.parse(text);
    for (const path of ["/generate", "/forward", "/predictions/{id}/result"]) {
      const names = paths[path].get.parameters.map(({ name }: { name: string }) => name);
      assertEquals(["scale", "resampler"].filter((name) => names.includes(name)), ["scale", "resampler"], path);
    }
    for (const path of ["/generate", "/img2img", "/inpaint", "/interpolate", "/reconstruct", "/forward"]) {
      const body = JSON.stringify(paths[path].post.requestBody);
      assertStringIncludes(body, '"scale"', path);
      assertStringIncludes(body, '"resampler"', path);
    }
  }));

Deno.test("an image that is sent back larger than it was drawn is brought to the model's size", () =>
  withServer(async ({ origin }) => {
    const body = { image: urlOf(gradient(8)), t: 0, steps: 4, seed: 1, scale: 2, format: "png" };
    const first = await bytesOf(await fetch(`${origin}/img2img`, asJson(body)), "image/png");
    const { height } = decodePng(first);
    assertEquals(height, 16);
    const again = await fetch(`${origin}/img2img`, asJson({ ...body, image: urlOf(first), scale: 1 }));
    assertEquals((await openAnswer(again)).extent, [8, 8]);
  }));
