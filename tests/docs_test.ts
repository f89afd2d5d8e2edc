import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import type { Command } from "../commands/command.ts";
import { chain } from "../commands/chain.ts";
import { forward } from "../commands/forward.ts";
import { gallery } from "../commands/gallery.ts";
import { interpolate } from "../commands/interpolate.ts";
import { parse } from "../commands/parse.ts";
import { reverse } from "../commands/reverse.ts";
import { typeset } from "../figures/typeset.ts";

const root = fromFileUrl(new URL("../", import.meta.url));
const read = (path: string) => Deno.readTextFile(join(root, path));

const isThere = async (path: string): Promise<boolean> => {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
};

const LINK = /\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g;

for (const page of ["docs/ddpm.md", "docs/figures/README.md"]) {
  Deno.test(`${page}: every link leads to a file`, async () => {
    const missing: string[] = [];
    for (const [, target] of (await read(page)).matchAll(LINK)) {
      if (!await isThere(join(root, dirname(page), target))) missing.push(target);
    }
    assertEquals(missing, []);
  });
}

Deno.test("docs/ddpm.md: every function that a link names is exported by the file it leads to", async () => {
  const named = [...(await read("docs/ddpm.md")).matchAll(/\[`(\w+)`\]\(\.\.\/([^)]+\.ts)\)/g)];
  assert(named.length > 15);
  for (const [, name, file] of named) {
    assert((await read(file)).includes(`export const ${name} =`), `${name} is not in ${file}`);
  }
});

Deno.test("docs/ddpm.md: every equation is TeX that can be set, and none is broken across lines of a paragraph", async () => {
  const page = (await read("docs/ddpm.md")).replace(/```ts\n[^]*?```/g, "");
  const blocks = [...page.matchAll(/```math\n([^]*?)```/g)].map(([, tex]) => tex.replaceAll("\n", " "));
  const inline = page.replace(/```[^]*?```/g, "").split("\n").flatMap((line) => {
    const parts = line.replace(/`[^`]*`/g, "").split("$");
    assertEquals(parts.length % 2, 1, line);
    return parts.filter((_, i) => i % 2 === 1);
  });
  assert(blocks.length > 12 && inline.length > 60, `${blocks.length} and ${inline.length}`);
  for (const tex of [...blocks, ...inline]) typeset(`$${tex}$`);
});

const COMMANDS: Record<string, Command> = { chain, forward, gallery, interpolate, reverse };

Deno.test("docs/figures/README.md: its commands can be run as they stand, and make all that is there", async () => {
  const lines = [...(await read("docs/figures/README.md")).matchAll(/^deno task (\w+) (.*)$/gm)];
  const made = lines.map(([, name, args]) => {
    const command = COMMANDS[name];
    return String(parse(args.split(" "), command.options, command).out);
  });
  const files = made.flatMap((out) => [`${out}.png`, `${out}.svg`]).sort();
  const there = [...Deno.readDirSync(join(root, "docs/figures"))].map(({ name }) => `docs/figures/${name}`);
  assertEquals(there.filter((path) => !path.endsWith("README.md") && !path.includes("/.")).sort(), files);
  for (const path of files) {
    const { size } = await Deno.stat(join(root, path));
    assert(size < 500_000, `${path} has ${size} bytes`);
  }
});
