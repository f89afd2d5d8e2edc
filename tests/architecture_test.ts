import { assertEquals } from "@std/assert";
import { fromFileUrl, join, relative } from "@std/path";

const root = fromFileUrl(new URL("../", import.meta.url));

/** What each room may import: itself, and these. */
const ALLOWED: Record<string, readonly string[]> = {
  core: [],
  formats: [],
  engine: [],
  model: ["core", "engine"],
  sampling: ["core", "formats", "engine", "model"],
  serving: ["core", "formats", "engine", "model", "sampling"],
  datasets: ["core", "formats"],
  training: ["core", "formats", "engine", "model", "sampling", "datasets"],
  jobs: ["core", "formats", "engine", "model", "sampling", "datasets", "training"],
  figures: ["core", "formats", "sampling"],
  evaluation: ["core", "formats", "engine", "model", "sampling", "datasets", "training", "figures"],
  routes: ["core", "formats", "engine", "model", "sampling", "serving", "datasets", "training", "jobs"],
  web: ["core"],
  commands: [
    ...["core", "formats", "engine", "model", "sampling", "serving", "datasets", "training", "jobs"],
    ...["figures", "evaluation", "routes"],
  ],
};

const sources = async function* (folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (/\.tsx?$/.test(name)) yield path;
  }
};

const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

for (const [room, allowed] of Object.entries(ALLOWED)) {
  Deno.test(`${room}/ imports ${allowed.length === 0 ? "no other room" : `only ${allowed.join(", ")}`}`, async () => {
    const wrong: string[] = [];
    let files = 0;
    for await (const file of sources(join(root, room))) {
      files++;
      for (const [, specifier] of (await Deno.readTextFile(file)).matchAll(IMPORT)) {
        const target = relative(root, join(file, "..", specifier)).split("/")[0];
        if (target !== room && !allowed.includes(target)) wrong.push(`${relative(root, file)} → ${specifier}`);
      }
    }
    assertEquals(wrong, []);
    assertEquals(files > 0, true);
  });
}
