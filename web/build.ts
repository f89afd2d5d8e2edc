/// <reference lib="deno.ns" />
/**
 * Builds the page into a folder: `deno task page`. What the server serves is what was built and committed, so that a clone
 * serves it with nothing else installed; tests/web/build_test.ts holds that it is fresh.
 *
 *     deno run --allow-read=. --allow-write=web/dist --allow-run=deno web/build.ts [FOLDER]
 */
import { join } from "@std/path";
import { subsetMathFont } from "./paper/math_font.ts";
import { renderPaper } from "./paper/render.ts";

const here = import.meta.dirname!;
const STYLES = ["tokens", "base", "shell", "parts", "tabs", "paper"];

/** Packages of which something is sent to browsers, with their licences. */
const PACKAGES = ["preact", "uplot", "@fontsource/stix-two-math"];

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

const licences = async (): Promise<string> => {
  const texts = PACKAGES.map(async (name) => {
    const { version } = JSON.parse(await Deno.readTextFile(fileOf(`${name}/package.json`)));
    const text = await Deno.readTextFile(new URL("LICENSE", fileOf(`${name}/package.json`)));
    return `${name} ${version}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
};

/** Name of a file with a mark of what is in it, so that a browser may keep it for good. */
const marked = async (folder: string, name: string): Promise<string> => {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(join(folder, name)));
  return `${name}?v=${new Uint8Array(digest).toHex().slice(0, 12)}`;
};

/** Writes all files of the page into a folder. */
export const build = async (folder: string): Promise<void> => {
  await Deno.mkdir(folder, { recursive: true });
  await bundle(join(folder, "app.js"), "main.tsx");
  await bundle(join(folder, "playground.js"), "paper/playground.ts");
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

if (import.meta.main) await build(Deno.args[0] ?? join(here, "dist"));
