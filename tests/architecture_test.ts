import { assertEquals } from "@std/assert";
import { fromFileUrl, join, relative } from "@std/path";

const root = fromFileUrl(new URL("../", import.meta.url));

/** What each room may import: itself, and these. From the lowest to the highest. */
const ALLOWED: Record<string, readonly string[]> = {
  core: [],
  files: [],
  formats: ["files"],
  engine: ["files"],
  model: ["core", "files", "engine"],
  sampling: ["core", "files", "formats", "engine", "model"],
  serving: ["core", "files", "formats", "engine", "model", "sampling"],
  datasets: ["core", "files", "formats"],
  training: ["core", "files", "formats", "engine", "model", "sampling", "datasets"],
  jobs: ["core", "files", "formats", "engine", "model", "sampling", "datasets", "training"],
  figures: ["core", "files", "formats", "model", "sampling"],
  evaluation: ["core", "files", "formats", "engine", "model", "sampling", "datasets", "training", "figures"],
  routes: ["core", "files", "formats", "engine", "model", "sampling", "serving", "datasets", "training", "jobs"],
  browser: ["core", "files", "formats", "engine", "model", "sampling", "serving", "routes"],
  web: ["core", "browser"],
  commands: [
    ...["core", "files", "formats", "engine", "model", "sampling", "datasets", "training", "jobs"],
    ...["figures", "evaluation", "routes", "deno.json"],
  ],
};

const sourcesBelow = async function* (folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* sourcesBelow(path);
    else if (/\.tsx?$/.test(name)) yield relative(root, path);
  }
};

/** Imports of every kind: of values and types, at the start and on demand. */
const IMPORT = /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** A file's text and what it imports of the house, by its path. */
const readHouse = async (): Promise<Map<string, { text: string; imports: string[] }>> => {
  const house = new Map<string, { text: string; imports: string[] }>();
  const add = async (file: string) => {
    const text = await Deno.readTextFile(join(root, file));
    const imports = Array.from(text.matchAll(IMPORT), ([, to]) => relative(root, join(root, file, "..", to)));
    house.set(file, { text, imports });
  };
  await add("main.ts");
  for (const room of Object.keys(ALLOWED)) {
    for await (const file of sourcesBelow(join(root, room))) if (!file.startsWith("web/dist/")) await add(file);
  }
  return house;
};

const house = await readHouse();
const roomOf = (file: string): string => file.split("/")[0];

for (const [room, allowed] of Object.entries(ALLOWED)) {
  Deno.test(`${room}/ imports ${allowed.length === 0 ? "no other room" : `only ${allowed.join(", ")}`}`, () => {
    const files = [...house].filter(([file]) => roomOf(file) === room);
    const wrong = files.flatMap(([file, { imports }]) =>
      imports.filter((to) => roomOf(to) !== room && !allowed.includes(roomOf(to))).map((to) => `${file} → ${to}`)
    );
    assertEquals(wrong, []);
    assertEquals(files.length > 0, true);
  });
}

/** The groups of more than one file of which each imports all others, at once or by others (Tarjan 1972). */
const circlesOf = (imports: ReadonlyMap<string, readonly string[]>): string[][] => {
  const circles: string[][] = [];
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const visit = (file: string) => {
    index.set(file, index.size);
    lowest.set(file, index.get(file)!);
    path.push(file);
    for (const to of imports.get(file)!.filter((to) => imports.has(to))) {
      if (!index.has(to)) visit(to);
      if (path.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(to)!));
    }
    if (lowest.get(file) !== index.get(file)) return;
    const group = path.splice(path.indexOf(file));
    if (group.length > 1) circles.push(group.sort());
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return circles;
};

Deno.test("circlesOf finds a circle of two, one of three with a tail, and none in a tree", () => {
  const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges));
  assertEquals(circlesOf(graph({ a: ["b"], b: ["a"] })), [["a", "b"]]);
  assertEquals(circlesOf(graph({ d: ["a"], a: ["b"], b: ["c"], c: ["a"] })), [["a", "b", "c"]]);
  assertEquals(circlesOf(graph({ a: ["b", "c"], b: ["c"], c: [] })), []);
});

Deno.test("no files import each other in a circle, types and imports on demand included", () => {
  assertEquals(circlesOf(new Map(Array.from(house, ([file, { imports }]) => [file, imports]))), []);
});

Deno.test("no two files export the same name", () => {
  const EXPORT = /^export (?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm;
  const exporters = new Map<string, Set<string>>();
  for (const [file, { text }] of house) {
    for (const [, name] of text.matchAll(EXPORT)) exporters.set(name, (exporters.get(name) ?? new Set()).add(file));
  }
  const shared = Array.from(exporters).filter(([, files]) => files.size > 1);
  assertEquals(shared.map(([name, files]) => `${name}: ${[...files].join(", ")}`), []);
});
