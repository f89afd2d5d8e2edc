import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fillNormal } from "../../core/noise.ts";
import { enlarge } from "../../formats/enlarge.ts";
import { decodeNpy, encodeNpy, type NpyType } from "../../formats/npy.ts";
import { decodeNpz } from "../../formats/npz.ts";
import { fromBytes, nchwToNhwc } from "../../formats/pixels.ts";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";
import { decodePng } from "../formats/decode_png.ts";
import { saveChangedModel, saveOverflowingModel } from "../model/changed_model.ts";
import { python, whyNoPython } from "../model/python.ts";
import { run, start, testCommandLine } from "./run_main.ts";

const MODEL = "tests/fixtures/tiny-model";
const SHAPE = { height: 8, width: 8, channels: 3 };

const sample = (...args: string[]) => run("sample", "--model", MODEL, "--steps", "5", ...args);

/** Draws into `file` and reads it as .npy. */
const drawn = async (file: string, ...args: string[]) => {
  const { code, stderr } = await sample("--out", file, ...args);
  assertEquals([code, stderr], [0, ""]);
  return decodeNpy(Deno.readFileSync(file));
};

testCommandLine(
  "sample draws a grid of PNG, the same bytes for the same seed and others for another",
  async (folder) => {
    const paths = ["a.png", "b.png", "c.png"].map((name) => join(folder, name));
    const seeds = ["7", "7", "8"];
    const results = await Promise.all(paths.map((path, i) => sample("-n", "5", "-s", seeds[i], "-o", path)));
    assertEquals(results.map(({ code, stderr }) => [code, stderr]), [[0, ""], [0, ""], [0, ""]]);
    const [a, b, c] = paths.map((path) => Deno.readFileSync(path));
    assertEquals(a, b);
    assertNotEquals(a, c);
    const { height, width, channels } = decodePng(a);
    assertEquals([height, width, channels], [2 * 10 + 2, 3 * 10 + 2, 3]);
  },
);

testCommandLine(
  "sample --scale draws the same grid larger, by either resampler, and arrays take none",
  async (folder) => {
    const draw = async (name: string, ...args: string[]) => {
      const path = join(folder, name);
      const { code, stderr } = await sample("-n", "5", "-s", "7", "-o", path, ...args);
      assertEquals([code, stderr], [0, ""]);
      return decodePng(Deno.readFileSync(path));
    };
    const small = await draw("small.png");
    const large = await draw("large.png", "--scale", "3");
    const { data, ...extent } = enlarge({ ...small, data: new Uint8Array(small.data) }, {
      scale: 3,
      resampler: "nearest",
    });
    assertEquals([large.height, large.width], [extent.height, extent.width]);
    assertEquals(new Uint8Array(large.data), data);
    const smooth = await draw("smooth.png", "--scale", "3", "--resampler", "lanczos");
    assertEquals([smooth.height, smooth.width], [extent.height, extent.width]);
    assertNotEquals(smooth.data, large.data);

    const refused = [
      [["--scale", "0"], "--scale"],
      [["--scale", "2", "-o", join(folder, "a.npy")], "--scale must be 1 for a .npy"],
      [["--scale", "64", "-n", "5000", "-o", join(folder, "a.png")], "--scale or --n must be smaller"],
    ] as const;
    for (const [args, message] of refused) {
      const { code, stderr } = await sample(...args);
      assertEquals(code, 2);
      assertStringIncludes(stderr, message);
    }
  },
);

testCommandLine(
  "sample takes what is left open from the model's card, and export carries the card's head on",
  async (folder) => {
    const model = join(folder, "carded");
    const inference = { parameters: { scheduler: "DDIMScheduler", num_inference_steps: 3, guidance_scale: 2, eta: 5 } };
    const card = { metadata: { license: "mit", inference }, recommended: {}, unheeded: [] };
    await savePipeline({ ...await loadPipeline(MODEL), folder: model, card });
    const draw = async (name: string, ...args: string[]) => {
      const out = join(folder, name);
      const { code, stdout, stderr } = await run("sample", "-n", "2", "-s", "7", "-o", out, ...args);
      assertEquals([code, stderr], [0, ""]);
      return { bytes: Deno.readFileSync(out), events: stdout.trim().split("\n").map((line) => JSON.parse(line)) };
    };
    const open = await draw("open.npy", "-m", model);
    const given = await draw("given.npy", "-m", MODEL, "--sampler", "ddim", "--steps", "3", "--guidance", "2");
    assertEquals(open.bytes, given.bytes);
    const [notice, { sampler, steps }] = open.events;
    assertEquals(notice, {
      event: "notice",
      message: `${join(model, "README.md")} is not followed in inference.parameters.eta 5 (it must be in [0, 1])`,
    });
    assertEquals([sampler, steps], ["ddim", 3]);

    const exported = join(folder, "exported");
    assertEquals((await run("export", model, exported)).code, 0);
    assertEquals((await loadPipeline(exported)).card, (await loadPipeline(model)).card);
  },
);

testCommandLine("sample reports start, progress and end as JSON lines, with the seed it chose", async (folder) => {
  const { stdout } = await sample("-n", "2", "-o", join(folder, "a.png"));
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(events.map(({ event }) => event), ["start", ...events.slice(1, -1).map(() => "progress"), "done"]);
  assertEquals([events.at(-2).step, events.at(-2).steps], [5, 5]);
  assert(Number.isSafeInteger(events[0].seed), "the random seed is reported");
  assertEquals(events.at(-1).seed, events[0].seed);
});

testCommandLine(
  "sample tells once, before it begins, what the model's scheduler asks for and is not done",
  async (folder) => {
    const model = join(folder, "model");
    await savePipeline({ ...await loadPipeline(MODEL), folder: model });
    const scheduler = join(model, "scheduler", "scheduler_config.json");
    await Deno.writeTextFile(scheduler, '{"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true}');
    const args = ["--model", model, "--steps", "2", "-n", "2", "--batch", "1", "-o", join(folder, "a.png")];
    const { code, stdout, stderr } = await run("sample", ...args);
    assertEquals([code, stderr], [0, ""]);
    const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const message = `${scheduler} is not followed in use_karras_sigmas true (the steps are at the timesteps' own σ)`;
    assertEquals(events[0], { event: "notice", message });
    assertEquals(events.slice(1).filter(({ event }) => event === "notice"), []);
  },
);

testCommandLine("sample draws bitwise the same images whatever --batch, and whatever --n", async (folder) => {
  const draw = (name: string, ...args: string[]) => drawn(join(folder, name), "--seed", "3", ...args);
  const whole = await draw("whole.npy", "-n", "6");
  assertEquals(await draw("one.npy", "-n", "6", "--batch", "1"), whole);
  assertEquals(await draw("four.npy", "-n", "6", "--batch", "4"), whole);
  const fewer = await draw("fewer.npy", "-n", "2");
  assertEquals(fewer.data, whole.data.slice(0, fewer.data.length));
});

testCommandLine(
  "sample writes float32 NCHW into .npy and uint8 NHWC arr_0 into .npz, or as --dtype says",
  async (folder) => {
    const path = (name: string) => join(folder, name);
    const seed = ["--seed", "3", "-n", "2"];
    const floats = await drawn(path("a.npy"), ...seed);
    assertEquals([floats.dtype, floats.shape], ["float32", [2, 3, 8, 8]]);
    const values = nchwToNhwc(floats.data as Float32Array, SHAPE);
    assert(values.every((value) => value >= -1 && value <= 1), "values lie in [-1, 1]");

    const holds = (array: { dtype: NpyType; shape: readonly number[]; data: ArrayLike<number | bigint> }) => {
      assertEquals([array.dtype, array.shape], ["uint8", [2, 8, 8, 3]]);
      fromBytes(array.data as Uint8Array).forEach((value, i) => assertAlmostEquals(value, values[i], 1 / 255 + 1e-6));
    };
    assertEquals((await sample("-o", path("b.npz"), ...seed)).code, 0);
    const archive = decodeNpz(Deno.readFileSync(path("b.npz")));
    assertEquals(Object.keys(archive), ["arr_0", "arr_1"]);
    assertEquals([archive.arr_1.dtype, archive.arr_1.data], ["int64", BigInt64Array.of(0n, 1n)]);
    holds(archive.arr_0);
    holds(await drawn(path("c.npy"), ...seed, "--dtype", "uint8"));
    assertEquals((await sample("-o", path("d.npz"), ...seed, "--dtype", "float32")).code, 0);
    assertEquals(decodeNpz(Deno.readFileSync(path("d.npz"))).arr_0, floats);
  },
);

/** Reads an `.npz` as guided-diffusion's evaluator does: the header, then the elements of a batch at a time. */
const EVALUATOR = `
import sys, zipfile
import numpy as np

with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    assert archive.namelist() == ["arr_0.npy", "arr_1.npy"], archive.namelist()
    with archive.open("arr_0.npy") as file:
        assert np.lib.format.read_magic(file) == (1, 0)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        assert not fortran and not dtype.hasobject
        size, batches = int(np.prod(shape[1:])), []
        while data := file.read(4 * size * dtype.itemsize):
            batches.append(np.frombuffer(data, dtype).reshape(-1, *shape[1:]))
    x = np.concatenate(batches)
    labels = np.load(archive.open("arr_1.npy"))
assert x.shape == shape == (7, 32, 32, 3) and x.dtype == np.uint8, (x.shape, x.dtype)
assert (x[..., 0] == x[..., 1]).all() and (x[..., 0] == x[..., 2]).all() and x.std() > 10
assert labels.tolist() == [0, 1, 2, 3, 4, 5, 6], labels
`;

const reason = await whyNoPython("numpy");
testCommandLine(
  "sample writes an .npz of gray images that guided-diffusion's evaluator reads: RGB bytes, with their classes",
  async (folder) => {
    const path = join(folder, "a.npz");
    const { code, stderr } = await run("sample", "--steps", "2", "-n", "7", "--engine", "wasm", "-o", path);
    assertEquals([code, stderr], [0, ""]);
    await python(EVALUATOR, { args: [path] });
  },
  reason || undefined,
);

testCommandLine(
  "sample --latents starts from the x_T given: that of the seed gives the seed's images",
  async (folder) => {
    const size = 3 * 8 * 8;
    const nhwc = new Float32Array(2 * size);
    for (let i = 0; i < 2; i++) fillNormal(nhwc.subarray(i * size, (i + 1) * size), { seed: 3, sample: i, step: 0 });
    const data = new Float32Array(nhwc.length);
    for (let i = 0; i < 2; i++) {
      for (let c = 0; c < 3; c++) {
        for (let p = 0; p < 64; p++) data[(i * 3 + c) * 64 + p] = nhwc[(i * 64 + p) * 3 + c];
      }
    }
    const latents = join(folder, "x.npy");
    Deno.writeFileSync(latents, encodeNpy({ dtype: "float32", shape: [2, 3, 8, 8], data }));
    const ddim = ["--sampler", "ddim"];
    const given = await drawn(join(folder, "given.npy"), ...ddim, "--latents", latents, "--seed", "99");
    assertEquals(given.shape, [2, 3, 8, 8]);
    assertEquals(given, await drawn(join(folder, "seeded.npy"), ...ddim, "--seed", "3", "-n", "2"));
  },
);

testCommandLine(
  "sample --latents draws what diffusers' DDIM draws of the same x_T with the same model",
  async (folder) => {
    const fixtures = "tests/fixtures/commands";
    const expected = decodeNpy(Deno.readFileSync(`${fixtures}/ddim.npy`));
    const options = ["--model", MODEL, "--latents", `${fixtures}/latents.npy`, "--sampler", "ddim", "--steps", "10"];
    const out = join(folder, "out.npy");
    assertEquals((await run("sample", ...options, "-o", out)).stderr, "");
    const images = decodeNpy(Deno.readFileSync(out));
    assertEquals([images.dtype, images.shape], [expected.dtype, expected.shape]);
    images.data.forEach((value, i) => assertAlmostEquals(Number(value), Number(expected.data[i]), 2e-5));
  },
);

testCommandLine("sample names what is wrong with latents", async (folder) => {
  const refuses = async (reason: string, name: string, bytes: Uint8Array | null, ...args: string[]) => {
    const path = join(folder, name);
    if (bytes) Deno.writeFileSync(path, bytes);
    const { code, stdout, stderr } = await sample("--latents", path, "-o", join(folder, "out.npy"), ...args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, reason);
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  };
  const one = { dtype: "float32", shape: [1, 3, 8, 8], data: new Float32Array(192) } as const;
  await refuses("there is no such file", "none.npy", null);
  await refuses("does not start with the magic", "text.npy", new TextEncoder().encode("hello"));
  await refuses(
    "its shape must be (n, 3, 8, 8) for this model, received (1, 8, 8, 3)",
    "nhwc.npy",
    encodeNpy({ ...one, shape: [1, 8, 8, 3] }),
  );
  await refuses(
    "its type must be float32, received float64",
    "double.npy",
    encodeNpy({ dtype: "float64", shape: [1, 3, 8, 8], data: new Float64Array(192) }),
  );
  await refuses(
    "its values must be finite, received 12 of 192 that are not",
    "nan.npy",
    encodeNpy({ ...one, data: new Float32Array(192).fill(NaN, 180) }),
  );
  await refuses("--n must be 1, as many as --latents holds, received 2", "good.npy", encodeNpy(one), "-n", "2");
});

testCommandLine(
  "sample refuses what it cannot do in one line that names the flag, and leaves no file",
  async (folder) => {
    const out = join(folder, "out.png");
    const refuses = async (message: string, ...args: string[]) => {
      const { code, stdout, stderr } = await run("sample", "--model", MODEL, ...args);
      assertEquals([code, stdout, stderr], [2, "", `error: ${message}\n`]);
    };
    await Promise.all([
      refuses('--n must be an integer in [1, 50000], received "0"', "--n", "0"),
      refuses("--steps must be in [1, 100] (the model's number of timesteps), received 101", "--steps=101", "-o", out),
      refuses('--label must be one of red, green, blue, received "7"', "--label", "7", "-o", out),
      refuses("--eta must be absent with sampler ddpm (only ddim takes it), received 0.5", "--eta", "0.5", "-o", out),
      refuses('--out must end in .png, .npy, .npz, received "runs/a.jpg"', "-o", "runs/a.jpg"),
      refuses("--dtype must be uint8 for a .png, received float32", "--dtype", "float32", "-o", out),
      refuses(`--out runs/none/a.png: there is no folder runs/none`, "-o", "runs/none/a.png"),
    ]);
    assertEquals([...Deno.readDirSync(folder)], []);
  },
);

testCommandLine(
  "sample exits 2 with one line for a missing model, and for a place it may not write to",
  async (folder) => {
    const model = await run("sample", "--model", "tests/fixtures/none", "-o", join(folder, "out.png"));
    assertEquals([model.code, model.stderr.split("\n").length], [2, 2]);
    assertStringIncludes(
      model.stderr,
      "error: Cannot read tests/fixtures/none/unet/config.json: there is no such file",
    );
    const place = await sample("--out", "core/grid.png");
    assertEquals(place.code, 2);
    assertStringIncludes(place.stderr, "error: --out core/grid.png: ");
    assertStringIncludes(
      place.stderr,
      `--allow-write=${Deno.realPathSync("core")}/grid.png main.ts sample … to grant it`,
    );
  },
);

testCommandLine("sample --help prints every option and touches no model", async () => {
  const { code, stdout } = await run("sample", "--help", "--model", "tests/fixtures/none");
  assertEquals(code, 0);
  const flags = ["model", "out", "n", "seed", "sampler", "steps", "spacing", "eta", "label", "guidance", "latents"];
  for (const flag of [...flags, "dtype", "batch", "engine"]) assertStringIncludes(stdout, ` --${flag} `);
});

testCommandLine("sample ends at Ctrl-C with 130 and leaves nothing behind", async (folder) => {
  if (Deno.build.os === "windows") return;
  const child = start("sample", "--model", MODEL, "--steps", "100", "-n", "50000", "-o", join(folder, "a.npz"));
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"progress"')) text += (await reader.read()).value ?? "";
  assertEquals([...Deno.readDirSync(folder)].length, 1);
  child.kill("SIGINT");
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  const { code } = await child.status;
  await child.stderr.cancel();
  assertEquals(code, 130);
  assertStringIncludes(text, '"event":"error"');
  assertEquals([...Deno.readDirSync(folder)], []);
});

testCommandLine(
  "sample draws no picture of what is not finite: one line, exit 2 for weights, 1 for images",
  async (folder) => {
    const out = join(folder, "out.png");
    const ends = async (code: number, message: string, model: string) => {
      const ended = await run("sample", "--model", model, "--steps", "5", "-n", "2", "--engine", "wasm", "-o", out);
      assertEquals([ended.code, ended.stderr], [code, `error: ${message}\n`]);
      await Deno.remove(model, { recursive: true });
      assertEquals([...Deno.readDirSync(folder)], []);
    };
    const model = join(folder, "model");
    await saveChangedModel(model, "conv_out.bias", (data) => data[0] = NaN);
    const file = `${model}/unet/diffusion_pytorch_model.safetensors`;
    await ends(
      2,
      `Cannot read ${file}: tensor conv_out.bias: its values must be finite, received 1 of 3 that are not`,
      model,
    );
    await saveOverflowingModel(model);
    await ends(
      1,
      "image 0 cannot be drawn: 192 of its 192 values are not finite after step 1 of 5, at timestep 80; the network " +
        "answers NaN or numbers that are too large",
      model,
    );
  },
);
