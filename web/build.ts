/// <reference lib="deno.ns" />
/**
 * Builds the page into a folder: `deno task page`. What the server serves is what was built and committed, so that a clone
 * serves it with nothing else installed; tests/web/build_test.ts holds that it is fresh. With `--static` it builds a site
 * that needs no server: the page, the program that draws in the browser, and models.
 *
 *     deno run --allow-read=. --allow-write=web/dist --allow-run=deno web/build.ts [FOLDER]
 *     deno run --allow-read=. --allow-write=runs --allow-run=deno web/build.ts --static runs/site --model models/digits
 */
import { basename, join } from "@std/path";
import { parseArgs } from "node:util";
import { writeSiteModels } from "../browser/site.ts";
import { subsetMathFont } from "./paper/math_font.ts";
import { renderPaper } from "./paper/render.ts";

const here = import.meta.dirname!;
const STYLES = ["tokens", "base", "shell", "parts", "tabs", "paper"];

/** Packages of which something is sent to browsers, with their licences. */
const PACKAGES = ["preact", "uplot", "@fontsource/stix-two-math"];

/** Those of which something is in the Workers that draw in a browser. */
const WORKER_PACKAGES = [
  ...["@asteasolutions/zod-to-openapi", "@hono/zod-openapi", "@jsquash/jpeg", "@jsquash/webp", "@opentelemetry/api"],
  ...["@remix-run/multipart-parser", "@tensorflow/tfjs-backend-wasm", "@tensorflow/tfjs-core", "deno-std"],
  ...["fast-png", "fflate", "gifenc", "hono", "iobuffer", "zod"],
];

/** The Workers, whose modules are those of browser/; the last names the others. */
const WORKERS = ["codec_worker", "sampler_worker", "app_worker"];

const read = (path: string): Promise<string> => Deno.readTextFile(join(here, path));

const fileOf = (specifier: string): URL => new URL(import.meta.resolve(specifier));

const bundle = async (file: string, entry: string): Promise<void> => {
  const args = ["bundle", "--quiet", "--platform", "browser", "--minify", "-o", file, join(here, entry)];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, stderr: "piped" }).output();
  if (!success) throw new Error(`deno bundle failed: ${new TextDecoder().decode(stderr)}`);
};

const styles = async (): Promise<string> => {
  const own = await Promise.all(STYLES.map((name) => read(`style/${name}.css`)));
  const chart = await Deno.readTextFile(fileOf("uplot/dist/uPlot.min.css"));
  return [chart, ...own].join("\n").replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/\n\s*/g, "\n").trim() + "\n";
};

/** Name of a file with a mark of what is in it, so that a browser may keep it for good. */
const marked = async (folder: string, name: string): Promise<string> => {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(join(folder, name)));
  return `${name}?v=${new Uint8Array(digest).toHex().slice(0, 12)}`;
};

/** A package's folder, by its own name or by that of one which brings it. */
const folderOf = async (name: string): Promise<string> => {
  const root = join(here, "../node_modules");
  const own = [join(root, name), join(here, "node_modules", name)];
  for (const folder of own) if (await Deno.stat(folder).then(() => true, () => false)) return folder;
  for await (const entry of Deno.readDir(join(root, ".deno"))) {
    if (entry.name.startsWith(`${name.replace("/", "+")}@`)) {
      return join(root, ".deno", entry.name, "node_modules", name);
    }
  }
  throw new Error(`the package ${name} is not installed`);
};

const licences = async (): Promise<string> => {
  const texts = [...PACKAGES, ...WORKER_PACKAGES].map(async (name) => {
    const folder = await folderOf(name);
    const { version, license } = JSON.parse(await Deno.readTextFile(join(folder, "package.json")));
    const files = await Array.fromAsync(Deno.readDir(folder));
    const file = files.find(({ name }) => /^licen[cs]e(\.\w+)?$/i.test(name));
    const text = file ? await Deno.readTextFile(join(folder, file.name)) : `Licence: ${license}`;
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
};

/** What a bundle names that lies in a package: it is put beside the bundle. */
const ASSET = /import\.meta\.resolve\("([^"]+\.wasm)"\)/g;

/** How a bundle names a file that lies beside it. */
const SIBLING = /"\.\/([\w-]+\.(?:js|wasm))"/g;

/** Bundles a Worker, puts the wasm that it loads beside it, and marks the names of what lies there. */
const bundleWorker = async (folder: string, name: string): Promise<void> => {
  const file = join(folder, `${name}.js`);
  await bundle(file, `../browser/${name}.ts`);
  const text = await Deno.readTextFile(file);
  for (const [, specifier] of text.matchAll(ASSET)) {
    await Deno.copyFile(fileOf(specifier), join(folder, basename(specifier)));
  }
  const local = text.replaceAll(
    ASSET,
    (_, specifier) => `new URL("./${basename(specifier)}",import.meta.url).href`,
  );
  const names = new Set(Array.from(local.matchAll(SIBLING), ([, name]) => name));
  const marks = new Map<string, string>();
  for (const name of names) marks.set(name, await marked(folder, name));
  await Deno.writeTextFile(file, local.replaceAll(SIBLING, (_, name) => `"./${marks.get(name)}"`));
};

/** Writes all files of the page into a folder. */
export const build = async (folder: string): Promise<void> => {
  await Deno.mkdir(folder, { recursive: true });
  await bundle(join(folder, "app.js"), "main.tsx");
  await bundle(join(folder, "playground.js"), "paper/playground.ts");
  for (const name of WORKERS) await bundleWorker(folder, name);
  await Deno.writeTextFile(join(folder, "app.css"), await styles());
  for (const name of ["film.gif", "film.png"]) {
    await Deno.writeFile(join(folder, name), await Deno.readFile(join(here, "../docs/figures", name)));
  }
  await Deno.writeTextFile(join(folder, "icon.svg"), await read("icon.svg"));
  await Deno.writeTextFile(join(folder, "licences.txt"), await licences());
  const paper = await renderPaper(join(here, "../docs/ddpm.md"));
  await Deno.writeTextFile(join(folder, "paper.html"), paper);
  await Deno.writeFile(join(folder, "math.woff2"), await subsetMathFont(paper));
  let page = await read("index.html");
  for (const name of ["app.js", "app.css", "icon.svg"]) {
    page = page.replace(`page/${name}`, `page/${await marked(folder, name)}`);
  }
  await Deno.writeTextFile(join(folder, "index.html"), page);
};

/** What a site may load: nothing from elsewhere. The server says it in a header. */
const SITE_POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:", "font-src 'self'"],
  ...["worker-src 'self' blob:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'"],
].join("; ");

/** All files below a folder, by their paths in it. */
const filesBelow = async (folder: string, path = ""): Promise<string[]> => {
  const entries = await Array.fromAsync(Deno.readDir(join(folder, path)));
  const found = entries.map(({ name, isDirectory }) => {
    const own = path === "" ? name : `${path}/${name}`;
    return isDirectory ? filesBelow(folder, own) : [own];
  });
  return (await Promise.all(found)).flat().sort();
};

/** Keeps a site in the browser, so that it opens without a network: all of one version, until another is there as a whole. */
const serviceWorker = async (folder: string): Promise<string> => {
  const files = (await filesBelow(folder)).filter((file) => file !== "index.html");
  const marks = await Promise.all(["index.html", ...files].map((file) => marked(folder, file)));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(marks.join()));
  const version = new Uint8Array(digest).toHex().slice(0, 12);
  const text = (await read("service_worker.js")).replace("VERSION", version);
  return text.replace("[/* files */]", JSON.stringify(["./", ...files]));
};

/** Writes a site that draws in the browser; any host serves it, below any path. */
const buildSite = async (folder: string, models: readonly string[], options: { float16: boolean }): Promise<void> => {
  const page = join(folder, "page");
  const names = await writeSiteModels(join(folder, "models"), models, options);
  await build(page);
  await Deno.mkdir(join(page, "figures"), { recursive: true });
  const paper = await Deno.readTextFile(join(page, "paper.html"));
  for (const [, name] of paper.matchAll(/page\/figures\/([\w-]+\.svg)/g)) {
    await Deno.copyFile(join(here, "../docs/figures", name), join(page, "figures", name));
  }
  const html = await Deno.readTextFile(join(page, "index.html"));
  await Deno.remove(join(page, "index.html"));
  const metas = [
    `<meta http-equiv="Content-Security-Policy" content="${SITE_POLICY}">`,
    `<meta name="denoise-models" content="${names.join(" ")}">`,
  ];
  const noscript = "<noscript>This page draws in the browser, which takes scripts.</noscript>";
  await Deno.writeTextFile(
    join(folder, "index.html"),
    html.replace('<meta charset="utf-8">', (own) => [own, ...metas].join("\n    "))
      .replace(/<noscript>.*<\/noscript>/, noscript),
  );
  await Deno.writeTextFile(join(folder, "service_worker.js"), await serviceWorker(folder));
  for (const file of await filesBelow(folder)) {
    const { size } = await Deno.stat(join(folder, file));
    console.log(`${String(size).padStart(9)}  ${file}`);
  }
};

const USAGE = "deno task page [--static OUT --model DIR … --float16]: OUT must be below runs/, DIR a model's folder";

const main = async (): Promise<void> => {
  const options = {
    static: { type: "string" },
    model: { type: "string", multiple: true },
    float16: { type: "boolean" },
  } as const;
  const { values, positionals } = parseArgs({ args: Deno.args, options, allowPositionals: true });
  const { static: site, model = ["models/digits", "models/emoji"], float16 = false } = values;
  if (site === undefined) {
    if (values.model || float16) throw new TypeError(`${float16 ? "--float16" : "--model"} is for --static`);
    return await build(positionals[0] ?? join(here, "dist"));
  }
  if (positionals.length > 0) throw new TypeError(`no argument stands alone, received ${positionals.join(" ")}`);
  if (await Deno.stat(site).then(() => true, () => false) && (await filesBelow(site)).length > 0) {
    throw new TypeError(`--static must be a new or an empty folder, received ${site}`);
  }
  await buildSite(site, model, { float16 });
};

if (import.meta.main) {
  await main().catch((error) => {
    const isUsage = error instanceof TypeError || error instanceof RangeError || error.name === "ModelError" ||
      error instanceof Deno.errors.NotCapable;
    if (!isUsage) throw error;
    console.error(`${error.message.split("\n")[0]}\n${USAGE}`);
    Deno.exit(2);
  });
}
