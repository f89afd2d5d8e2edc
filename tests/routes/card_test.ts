import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { createLog } from "../../routes/http/log.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { formOf, gradient, rightHalf } from "./pictures.ts";
import { asJson, tinyModel, withServer } from "./with_server.ts";

const image = gradient();

/** The tiny model, with these parameters on its card. */
const withCard = async (folder: string, parameters: Record<string, unknown>): Promise<string> => {
  const metadata = { license: "mit", inference: { parameters } };
  await savePipeline({ ...await loadPipeline(tinyModel), folder, card: { metadata, recommended: {}, unheeded: [] } });
  return folder;
};

const SOLVER = { scheduler: "DPMSolverMultistepScheduler", num_inference_steps: 6, guidance_scale: 2 };

/** What the headers say of how images were made. */
const chosen = async (response: Response) => {
  await response.body!.cancel();
  const [sampler, steps, guidance, eta] = ["sampler", "steps", "guidance", "eta"].map((name) =>
    response.headers.get(`denoise-${name}`)
  );
  return [response.status, sampler, steps, guidance, ...eta === null ? [] : [eta]];
};

writingTest(
  "what a request leaves open is as the model's card says, on every path that draws",
  (folder) =>
    withCard(join(folder, "carded"), SOLVER).then((carded) =>
      withServer(async ({ origin }) => {
        const get = async (path: string) => await chosen(await fetch(origin + path));
        const post = async (path: string, fields: Parameters<typeof formOf>[0]) =>
          await chosen(await fetch(origin + path, { method: "POST", body: formOf(fields) }));

        assertEquals(await get("/generate"), [200, "dpmsolver++", "6", "2"]);
        assertEquals(await chosen(await fetch(`${origin}/generate`, asJson({}))), [200, "dpmsolver++", "6", "2"]);
        assertEquals(await get("/forward?count=3"), [200, "dpmsolver++", "6", "2"]);
        assertEquals(await post("/img2img", { image, label: "red" }), [200, "dpmsolver++", "6", "2"]);
        assertEquals(await post("/interpolate", { seedA: 1, seedB: 2, label: "red", lambdas: 2 }), [
          200,
          "dpmsolver++",
          "6",
          "2",
        ]);
        // Guidance does nothing for images of no class, and RePaint goes back by ddpm or ddim alone.
        assertEquals(await post("/img2img", { image }), [200, "dpmsolver++", "6", "1"]);
        assertEquals(await post("/inpaint", { image, mask: rightHalf(), jumpSamples: 1 }), [200, "ddpm", "50", "1"]);
        assertEquals(await post("/inpaint", { image, mask: rightHalf(), jumpSamples: 1, label: 0 }), [
          200,
          "ddpm",
          "50",
          "2",
        ]);
        assertEquals(await post("/reconstruct", { image }), [200, null, "50", null]);

        // What is given stays; the steps are the card's sampler's.
        assertEquals(await get("/generate?sampler=ddim&guidance=1"), [200, "ddim", "50", "1"]);
        assertEquals(await get("/generate?steps=3"), [200, "dpmsolver++", "3", "2"]);
        assertEquals(await post("/interpolate", { seedA: 1, seedB: 2, lambdas: 2, sampler: "ddim" }), [
          200,
          "ddim",
          "100",
          "1",
        ]);
        assertEquals(await get("/generate?model=tiny-model"), [200, "ddpm", "50", "1"]);

        const put = { task: "generate", input: { seed: 1 } };
        const { parameters } = await (await fetch(`${origin}/predictions/open`, asJson(put, { method: "PUT" }))).json();
        assertEquals(parameters, { n: 1, seed: 1, sampler: "dpmsolver++", steps: 6, guidance: 2 });
      }, { models: [carded, tinyModel] })
    ),
);

writingTest("an image is the same whether the card or the request says how", async (folder) => {
  const carded = await withCard(join(folder, "carded"), { ...SOLVER, scheduler: "DDIMScheduler", eta: 0.5 });
  await withServer(async ({ origin }) => {
    const draw = async (query: string) => await (await fetch(`${origin}/generate?n=2&seed=3&${query}`)).bytes();
    const open = await draw("");
    assertEquals(open, await draw("sampler=ddim&steps=6&guidance=2&eta=0.5"));
    assertEquals(open, await draw("model=tiny-model&sampler=ddim&steps=6&guidance=2&eta=0.5"));
    assertEquals(await draw("sampler=ddpm&steps=6&guidance=1"), await draw("model=tiny-model&steps=6"));
    assertEquals(await chosen(await fetch(`${origin}/generate`)), [200, "ddim", "6", "2", "0.5"]);
    const form = { image, mask: rightHalf(), jumpSamples: 1 };
    const inpainted = await fetch(`${origin}/inpaint`, { method: "POST", body: formOf(form) });
    assertEquals(await chosen(inpainted), [200, "ddim", "6", "1", "0.5"]);
  }, { models: [carded, tinyModel] });
});

writingTest(
  "GET /models, GET / and the OpenAPI description say what is left open, of one model and of two",
  async (folder) => {
    const carded = await withCard(join(folder, "carded"), SOLVER);
    const field = async (origin: string, name: string) => {
      const { paths } = await (await fetch(`${origin}/openapi.json`)).json();
      const { schema, description } = paths["/generate"].get.parameters.find((one: { name: string }) =>
        one.name === name
      );
      return { default: schema.default, description: description ?? schema.description };
    };
    await withServer(async ({ origin }) => {
      const [{ defaults, recommended, unheeded }] = await (await fetch(`${origin}/models`)).json();
      const all = { sampler: "dpmsolver++", steps: 6, guidance: 2 };
      assertEquals([defaults, recommended, unheeded], [all, all, []]);
      const text = await (await fetch(`${origin}/`)).text();
      assertStringIncludes(text, "carded, 8×8, on wasm: dpmsolver++ in 6 steps, guidance 2\n");
      assertEquals((await field(origin, "sampler")).default, "dpmsolver++");
      assertEquals((await field(origin, "steps")).default, 6);
      assertEquals((await field(origin, "guidance")).default, 2);
    }, { models: [carded] });
    await withServer(async ({ origin }) => {
      const { description, ...rest } = await field(origin, "steps");
      assertEquals(rest, { default: undefined });
      assertStringIncludes(description, "(carded 6, tiny-model 50)");
    }, { models: [carded, tinyModel] });
  },
);

writingTest(
  "a card that is broken or impossible is logged in one line, and the model draws as without",
  async (folder) => {
    const impossible = await withCard(join(folder, "impossible"), { num_inference_steps: 101, guidance_scale: 3 });
    const broken = await withCard(join(folder, "broken"), {});
    await Deno.writeTextFile(join(broken, "README.md"), "---\na: [1\n---\n");
    const lines: Record<string, unknown>[] = [];
    const log = createLog("info", (line) => lines.push(JSON.parse(line)));
    await withServer(async ({ origin }) => {
      assertEquals(await chosen(await fetch(`${origin}/generate`)), [200, "ddpm", "50", "3"]);
      assertEquals(await chosen(await fetch(`${origin}/generate?model=broken`)), [200, "ddpm", "50", "1"]);
    }, { models: [impossible, broken], log });
    const told = lines.filter(({ message }) => message === "settings not followed");
    assertEquals(told.map(({ model }) => model), ["impossible", "broken"]);
    assertEquals(told[0].unheeded, [
      "inference.parameters.num_inference_steps 101 (it must be an integer in [1, 100])",
    ]);
  },
);
