import { assert, assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { fromFileUrl, relative } from "@std/path";
import { type Digest, digest } from "./portability_program.ts";

const core = new URL("../../core/", import.meta.url);
const entry = fromFileUrl(new URL("portability_entry.ts", import.meta.url));

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else yield new URL(name, folder);
  }
}

Deno.test("core imports nothing outside core, and names no runtime's own globals", async () => {
  let count = 0;
  for await (const file of sources(core)) {
    const name = relative(fromFileUrl(core), fromFileUrl(file));
    const code = (await Deno.readTextFile(file)).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    for (const [, specifier] of code.matchAll(/(?:\bfrom|^import)\s*["']([^"']+)["']/gm)) {
      assert(specifier.startsWith("."), `${name} imports ${specifier}`);
      assert(new URL(specifier, file).href.startsWith(core.href), `${name} imports ${specifier}`);
      count++;
    }
    const foreign = code.match(/\b(?:Deno|Bun|process|Buffer|require|window|document|import)\s*[.(]/);
    assertEquals(foreign, null, name);
  }
  assertGreater(count, 20);
});

/** Runs a program to its end and gives its stdout. */
const run = async (command: string, args: string[], input = ""): Promise<string> => {
  const signal = AbortSignal.timeout(60_000);
  const child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped", stderr: "piped", signal }).spawn();
  const output = child.output();
  await new Blob([input]).stream().pipeTo(child.stdin).catch(() => {});
  const { success, stdout, stderr } = await output;
  assert(success, `${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
};

const bundle = (): Promise<string> => run("deno", ["bundle", "--quiet", "--platform", "browser", "--minify", entry]);

const environment = (name: string): string | undefined =>
  Deno.permissions.querySync({ name: "env", variable: name }).state === "granted" ? Deno.env.get(name) : undefined;

/** Why a program cannot be run, if so. */
const missing = async (...commands: string[]): Promise<string | undefined> => {
  for (const command of commands) {
    if (Deno.permissions.querySync({ name: "run", command }).state !== "granted") {
      return `--allow-run=${command} not given`;
    }
    try {
      await new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" }).output();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return `${command} not found`;
    }
  }
};

const assertSame = async (text: string) => {
  const there: Digest = JSON.parse(text);
  const here = await digest();
  assertEquals(there.exact, here.exact);
  assertEquals(Object.keys(there.close), Object.keys(here.close));
  for (const [name, values] of Object.entries(here.close)) {
    assertEquals(there.close[name].length, values.length);
    const relative = name === "images" || name === "interpolation" ? 1e-5 : 1e-9;
    values.forEach((value, i) =>
      assertAlmostEquals(there.close[name][i], value, relative * Math.max(1e-3, Math.abs(value)), `${name}[${i}]`)
    );
  }
};

const engineTest = (engine: string, reason: string | undefined, fn: () => Promise<void>) => {
  const name = `core computes the same in ${engine} as in Deno`;
  if (reason === undefined) Deno.test(name, fn);
  else if (environment("CI")) Deno.test(name, () => assert(false, reason));
  else Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn });
};

engineTest("Node", await missing("deno", "node"), async () => {
  await assertSame(await run("node", ["--input-type=module", "-"], await bundle()));
});

const chromium = environment("CHROMIUM_PATH") ?? "/usr/bin/chromium";
engineTest("a browser", await missing("deno", chromium), async () => {
  const page = `<!doctype html><meta charset="utf-8"><script type="module">${await bundle()}</script>`;
  const url = `data:text/html;base64,${new TextEncoder().encode(page).toBase64()}`;
  const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
  const flags = ["--headless=new", "--no-sandbox", ...quiet, "--disable-component-update", "--disable-sync"];
  const dom = await run(chromium, [...flags, "--disable-breakpad", "--virtual-time-budget=10000", "--dump-dom", url]);
  await assertSame(dom.match(/<title>(.*)<\/title>/)?.[1] ?? "");
});
