import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { run, testCommandLine } from "./run_main.ts";

testCommandLine("main.ts with no command lists the commands and exits 2; --help exits 0", async () => {
  const bare = await run();
  assertEquals(bare.code, 2);
  for (const name of ["serve", "train", "sample"]) assertStringIncludes(bare.stdout, `\n  ${name}`);
  const asked = await run("--help");
  assertEquals([asked.code, asked.stdout], [0, bare.stdout]);
});

testCommandLine("main.ts suggests the nearest command in one line", async () => {
  const { code, stdout, stderr } = await run("sampel");
  assertEquals([code, stdout], [2, ""]);
  assertMatch(
    stderr,
    /^error: unknown command "sampel"; did you mean sample\? \(commands: serve, train, [a-z, ]+\)\n$/,
  );
});

testCommandLine("main.ts --version says the name and version of deno.json, as every command does", async () => {
  const { name, version } = JSON.parse(await Deno.readTextFile("deno.json"));
  for (const args of [["--version"], ["sample", "--version"], ["figure", "chain", "--version"]]) {
    assertEquals(await run(...args), { code: 0, stdout: `${name} ${version}\n`, stderr: "" });
  }
});

testCommandLine(
  "figure lists its kinds: alone and exits 2, by --help and exits 0; each kind has its help",
  async () => {
    const bare = await run("figure");
    assertEquals([bare.code, bare.stderr], [2, ""]);
    for (const kind of ["forward", "reverse", "interpolate", "gallery", "chain"]) {
      assertStringIncludes(bare.stdout, `\n  ${kind}`);
    }
    const asked = await run("figure", "--help");
    assertEquals([asked.code, asked.stdout], [0, bare.stdout]);
    const { code, stdout } = await run("figure", "chain", "--help");
    assertEquals(code, 0);
    assertStringIncludes(stdout, "\nUsage: deno task figure chain [options]\n");
  },
);

testCommandLine(
  "figure of an unknown kind suggests the nearest and lists the known; a kind alone suggests figure",
  async () => {
    const wrong = await run("figure", "chian");
    const kinds = "(figures: forward, reverse, interpolate, gallery, chain, network, paths)";
    assertEquals(wrong, {
      code: 2,
      stdout: "",
      stderr: `error: unknown figure "chian"; did you mean chain? ${kinds}\n`,
    });
    const alone = await run("forward");
    assertEquals([alone.code, alone.stdout], [2, ""]);
    assertStringIncludes(alone.stderr, 'error: unknown command "forward"; did you mean figure forward? (commands: ');
  },
);

const STATIC_IMPORT = /^(?:import|export)\s(?!type\b)[^"]*?from\s"([^"]+)"/gm;

/** What loads with a module at once: its packages, and those of the modules that it imports. */
const packagesOf = async (module: URL, seen = new Set<string>()): Promise<Set<string>> => {
  const packages = new Set<string>();
  if (seen.has(module.href)) return packages;
  seen.add(module.href);
  for (const [, specifier] of (await Deno.readTextFile(fromFileUrl(module))).matchAll(STATIC_IMPORT)) {
    if (!specifier.startsWith(".")) packages.add(specifier);
    else for (const name of await packagesOf(new URL(specifier, module), seen)) packages.add(name);
  }
  return packages;
};

Deno.test("main.ts loads no room before a command is chosen", async () => {
  const packages = await packagesOf(new URL("../../main.ts", import.meta.url));
  assertEquals([...packages].sort(), ["node:util", "zod"]);
});
