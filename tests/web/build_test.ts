import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { gzipSync } from "node:zlib";

const dist = fromFileUrl(new URL("../../web/dist/", import.meta.url));
const FILES = [
  "app.css",
  "app.js",
  "app_worker.js",
  "codec_worker.js",
  "film.gif",
  "film.png",
  "icon.svg",
  "index.html",
  "licences.txt",
  "math.woff2",
  "mozjpeg_dec.wasm",
  "paper.html",
  "playground.js",
  "sampler_worker.js",
  "tfjs-backend-wasm-simd.wasm",
  "webp_dec.wasm",
];

/** What the page may weigh, gzipped: its script and its style. */
const MOST = 120_000;

Deno.test("web/dist is what web/ builds: run deno task page after a change", async () => {
  await Deno.mkdir("runs", { recursive: true });
  const folder = await Deno.makeTempDir({ dir: "runs", prefix: "page-" });
  try {
    const args = ["run", "--no-prompt", "--allow-read=.", "--allow-write=runs", `--allow-run=${Deno.execPath()}`];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args, "web/build.ts", folder],
      stderr: "piped",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), FILES);
    assertEquals([...Deno.readDirSync(dist)].map(({ name }) => name).sort(), FILES);
    for (const name of FILES) {
      const [built, kept] = await Promise.all(
        [join(folder, name), join(dist, name)].map((path) => Deno.readFile(path)),
      );
      assert(built.toHex() === kept.toHex(), `web/dist/${name} is not what web/ builds`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the page's script and style weigh less than 120 kB, gzipped", async () => {
  const sizes = await Promise.all(
    ["app.js", "app.css"].map(async (name) => gzipSync(await Deno.readFile(join(dist, name))).length),
  );
  const size = sizes.reduce((sum, own) => sum + own);
  assert(size < MOST, `${size} bytes`);
});
