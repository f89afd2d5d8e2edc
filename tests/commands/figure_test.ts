import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type Command, UsageError } from "../../commands/cli/command.ts";
import { parse } from "../../commands/cli/options.ts";
import {
  chainCommand,
  forwardCommand,
  galleryCommand,
  interpolateCommand,
  reverseCommand,
} from "../../commands/figure.ts";
import { drawChain } from "../../commands/figure/chain.ts";
import { drawForward } from "../../commands/figure/forward.ts";
import { drawGallery } from "../../commands/figure/gallery.ts";
import { drawInterpolation } from "../../commands/figure/interpolate.ts";
import { drawReverse } from "../../commands/figure/reverse.ts";
import { findDataset } from "../../datasets/open.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { encodePng } from "../../formats/png.ts";
import { decodePng } from "../formats/decode_png.ts";
import { run, start, testCommandLine } from "./run_main.ts";

const MODEL = ["--model", "tests/fixtures/tiny-model"];

/** Draws into `folder` and gives the SVG with the number of its pictures. */
const drawnAs = async (folder: string, name: string, ...args: string[]) => {
  const out = join(folder, name);
  const { code, stdout, stderr } = await run(...args, "--out", out);
  assertEquals([code, stderr], [0, ""]);
  const svg = Deno.readTextFileSync(`${out}.svg`);
  const { width, height } = decodePng(Deno.readFileSync(`${out}.png`));
  assert(svg.includes(`width="${width / 2}" height="${height / 2}"`), "the PNG has two pixels for a unit");
  assert(!svg.includes("<text"), "all text is paths");
  return { svg, pictures: (svg.match(/<image/g) ?? []).length, stdout };
};

/** The same of a figure that the tiny model draws. */
const drawn = (folder: string, name: string, ...args: string[]) => drawnAs(folder, name, ...args, ...MODEL);

const picture = (folder: string, name: string, red: number): string => {
  const path = join(folder, name);
  const data = new Uint8Array(8 * 8 * 3).map((_, i) => i % 3 === 0 ? red : i);
  Deno.writeFileSync(path, encodePng({ data, height: 8, width: 8, channels: 3 }));
  return path;
};

testCommandLine(
  "forward draws a row an image at the timesteps asked for, the same for the same seed",
  async (folder) => {
    const images = `${picture(folder, "a.png", 255)},${picture(folder, "b.png", 0)}`;
    const options = ["--image", images, "--t", "0,1,50,100"];
    const [a, b, c] = await Promise.all(
      ["7", "7", "8"].map((seed, i) => drawn(folder, `forward-${i}`, "figure", "forward", ...options, "--seed", seed)),
    );
    assertEquals(a.pictures, 8);
    assertEquals(a.svg, b.svg);
    assertNotEquals(a.svg, c.svg);
    assertEquals(JSON.parse(a.stdout.trim()).event, "done");
  },
);

testCommandLine("forward, reverse, interpolate, gallery and chain draw their pictures of any model", async (folder) => {
  const few = ["--steps", "4", "--seed", "3"];
  const counts = await Promise.all([
    drawn(folder, "a", "figure", "forward", ...few),
    drawn(folder, "b", "figure", "reverse", "-n", "2", "--t", "100,50,0", ...few),
    drawn(folder, "c", "figure", "interpolate", "--t", "100,50,0", ...few),
    drawn(folder, "d", "figure", "gallery", "--rows", "2", "--columns", "3", ...few),
    drawn(folder, "e", "figure", "gallery", "--labels", "all", "--columns", "2", "--guidance", "2", ...few),
    drawn(folder, "g", "figure", "chain", "--label", "green", ...few),
  ]);
  assertEquals(counts.map(({ pictures }) => pictures), [11, 2 * (3 + 2), 3 * 15, 6, 6, 4]);
});

testCommandLine(
  "network draws a model's layers, paths needs no model and is the same for the same seed",
  async (folder) => {
    const { svg, pictures } = await drawnAs(folder, "n", "figure", "network", ...MODEL);
    assert(svg.includes('aria-label="The U-Net layer by layer, from 8×8×3 '), svg.slice(0, 300));
    assertEquals(pictures, 0);
    const paths = (name: string, seed: string) => drawnAs(folder, name, "figure", "paths", "--seed", seed);
    const [a, b, c] = await Promise.all([paths("a", "7"), paths("b", "7"), paths("c", "8")]);
    assertEquals([a.svg === b.svg, a.svg === c.svg, a.pictures], [true, false, 4]);
  },
);

const COMMANDS: Record<string, { command: Command; draw: (options: never) => Promise<number> }> = {
  forward: { command: forwardCommand, draw: drawForward },
  reverse: { command: reverseCommand, draw: drawReverse },
  interpolate: { command: interpolateCommand, draw: drawInterpolation },
  gallery: { command: galleryCommand, draw: drawGallery },
  chain: { command: chainCommand, draw: drawChain },
};

testCommandLine("figures refuse what they cannot draw, name the flag, and leave no file", async (folder) => {
  const refuses = async (message: string, name: string, ...args: string[]) => {
    const { command, draw } = COMMANDS[name];
    const out = args.includes("-o") ? [] : ["-o", join(folder, "out")];
    const options = parse([...args, ...MODEL, ...out], command.options, command);
    await assertRejects(() => draw(options as never), UsageError, message);
  };
  await refuses("--t must be in [0, 100] for this model, received 101", "forward", "--t", "101");
  await refuses("--t must be in [1, 100] for this model, received 500", "chain", "--t", "500");
  await refuses("--image none.png: there is no such file", "forward", "--image", "none.png");
  await refuses("--image core: it is a folder; --data takes one", "forward", "--image", "core");
  await refuses("--image deno.json: ", "forward", "--image", "deno.json");
  await refuses("--image must have 2 entries, received 1", "interpolate", "--image", "a.png");
  await refuses("--image must be left out where --data is given", "forward", "--image", "a.png", "--data", "mnist");
  await refuses("--index must be left out where --data is not given", "forward", "--index", "3");
  const beyond = ["--data", "mnist-test", "--index", "10000"];
  await refuses("--index must be in [0, 9999] for mnist-test, received 10000", "forward", ...beyond);
  await refuses('--label must be one of red, green, blue, received "pink"', "reverse", "--label", "pink");
  await refuses('--labels must be of red, green, blue, or all, received "pink"', "gallery", "--labels", "red,pink");
  await refuses("--guidance must be 1 (off) without --labels, received 3", "gallery", "--guidance", "3");
  await refuses(
    "--steps must be in [1, 100] (the model's number of timesteps), received 101",
    "chain",
    "--steps",
    "101",
  );
  await refuses("--out must end in .svg or .png, or in neither for both", "chain", "-o", "a.jpg");
  await refuses("--out runs/none/a.svg: there is no folder runs/none", "chain", "-o", "runs/none/a");
  assertEquals([...Deno.readDirSync(folder)], []);
});

testCommandLine(
  "interpolate says that a data set of one image is too small, unless its image is named",
  async (folder) => {
    const path = join(folder, "one.npz");
    await Deno.writeFile(
      path,
      encodeNpz({ images: { dtype: "uint8", shape: [1, 8, 8, 3], data: new Uint8Array(192) } }),
    );
    const found = await findDataset(path, { root: folder });
    await found.prepare();
    const args = ["figure", "interpolate", ...MODEL, "--data", found.folder!, "--steps", "2", "--engine", "wasm"];
    const out = ["--out", join(folder, "a.png")];
    const { code, stderr } = await run(...args, ...out);
    const reason = `--data must have 2 images or more for this figure, received ${found.folder}, with 1`;
    assertEquals([code, stderr], [2, `error: ${reason}\n`]);
    const named = await run(...args, ...out, "--index", "0,0");
    assertEquals([named.code, named.stderr], [0, ""]);
  },
);

testCommandLine(
  "forward takes an image of a data set, whatever its size, into the one file that is named",
  async (folder) => {
    const data = ["--data", "mnist-test", "--index", "3", "--t", "0,100", "--out", join(folder, "a.png")];
    assertEquals((await run("figure", "forward", ...MODEL, ...data)).stderr, "");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.png"]);
  },
);

testCommandLine("a figure ends at Ctrl-C with 130 and leaves nothing behind", async (folder) => {
  if (Deno.build.os === "windows") return;
  const child = start("figure", "gallery", ...MODEL, "--rows", "32", "--columns", "32", "-o", join(folder, "a"));
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"progress"')) text += (await reader.read()).value ?? "";
  assertEquals([...Deno.readDirSync(folder)].length, 2);
  child.kill("SIGINT");
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  const { code } = await child.status;
  await child.stderr.cancel();
  assertEquals(code, 130);
  assertStringIncludes(text, "called off");
  assertEquals([...Deno.readDirSync(folder)], []);
});
