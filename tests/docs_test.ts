import { assert, assertEquals } from "@std/assert";
import { basename, dirname, fromFileUrl, join } from "@std/path";
import type { Command } from "../commands/cli/command.ts";
import { parse } from "../commands/cli/options.ts";
import { evaluateCommand } from "../commands/evaluate.ts";
import {
  chainCommand,
  forwardCommand,
  galleryCommand,
  interpolateCommand,
  networkCommand,
  pathsCommand,
  reverseCommand,
} from "../commands/figure.ts";
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

const COMMANDS: Record<string, Command> = {
  evaluate: evaluateCommand,
  "figure chain": chainCommand,
  "figure forward": forwardCommand,
  "figure gallery": galleryCommand,
  "figure interpolate": interpolateCommand,
  "figure network": networkCommand,
  "figure paths": pathsCommand,
  "figure reverse": reverseCommand,
};

Deno.test("docs/figures/README.md: its commands can be run as they stand, and it shows all that is there", async () => {
  const page = await read("docs/figures/README.md");
  const outs = [...page.matchAll(/^deno task (figure \w+|\w+) (.*)$/gm)].map(([, name, args]) => {
    const command = COMMANDS[name];
    return String(parse(args.split(" "), command.options, command).out);
  });
  const names = [...Deno.readDirSync(join(root, "docs/figures"))].map(({ name }) => name)
    .filter((name) => /^\w.*\.(png|svg)$/.test(name));
  for (const out of outs.filter((out) => out.startsWith("docs/figures/"))) {
    for (const ending of [".png", ".svg"]) assert(names.includes(`${basename(out)}${ending}`), `${out}${ending}`);
  }
  for (const name of names) {
    assert(page.includes(`](${name.replace(/svg$/, "png")})`), `${name} is not shown`);
    const { size } = await Deno.stat(join(root, "docs/figures", name));
    assert(size < 500_000, `${name} has ${size} bytes`);
  }
});
