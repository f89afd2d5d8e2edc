import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { ended, executable, testCommandLine } from "./commands/run_main.ts";

const root = fromFileUrl(new URL("../", import.meta.url));
const settings = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
const commands: Record<string, string> = Object.fromEntries(
  Object.entries<{ command: string }>(settings.tasks).map((
    [name, { command }],
  ) => [name, command.split(" && ").at(-1)!]),
);

const KINDS = ["read", "write", "net", "run", "ffi"] as const;

/** What stands for a value that a command finds out. */
const FOUND: readonly (readonly [RegExp, string])[] = [
  [/\$\(deno run [^)]*other_hosts\.ts\)/g, "those of DATABASE_URL and AWS_*"],
  [/\$\(deno run [^)]*programs\.ts ([^)]*)\)/g, "deno,$1"],
  [/\$\(deno eval [^)]*\)\)'\)/g, "deno"],
  [/\$\(which (\w+) \|\| echo \w+\)/g, "$1"],
  [/node_modules\/\.deno\/(onnxruntime-node)@[\d.]+/g, "$1"],
];

/** The words of a command line as this machine's shell would see them, what it finds out being named. */
const wordsOf = (command: string): string[] => {
  const named = FOUND.reduce(
    (text, [pattern, name]) =>
      text.replace(
        pattern,
        (_, found) => name.replaceAll(" ", "\u00a0").replace("$1", String(found).replaceAll(" ", ",")),
      ),
    command,
  );
  return named.replaceAll(/["']/g, "").split(" ");
};

/** What a task grants of a kind: `true` is everything. */
const grantsOf = (task: string, kind: typeof KINDS[number]): string[] | true => {
  const words = wordsOf(commands[task]);
  if (words.includes("-A") || words.includes(`--allow-${kind}`)) return true;
  const flag = words.find((word) => word.startsWith(`--allow-${kind}=`));
  // A flag replaces what the set says of its kind.
  if (flag !== undefined) return flag.slice(flag.indexOf("=") + 1).split(",");
  const set = words.find((word) => word.startsWith("-P="))?.slice(3);
  const granted: string[] = set === undefined ? [] : settings.permissions[set][kind] ?? [];
  return granted.map((value) => wordsOf(value).join(" "));
};

const cellOf = (granted: string[] | true): string => {
  if (granted === true) return "all";
  return granted.map((value) => value.startsWith("those") ? value.replaceAll("\u00a0", " ") : `\`${value}\``).join(
    ", ",
  );
};

Deno.test("docs/permissions.md: its table is what deno.json grants", async () => {
  const tasks = Object.keys(commands).filter((task) =>
    commands[task].includes("--allow-") || commands[task].includes(" -A")
  );
  const rows = tasks.map((task) => [`\`${task}\``, ...KINDS.map((kind) => cellOf(grantsOf(task, kind)))]);
  const page = await Deno.readTextFile(join(root, "docs/permissions.md"));
  const table = page.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(table, rows, rows.map((row) => `| ${row.join(" | ")} |`).join("\n"));
});

/** The tasks that are held: they run no program, so that what they may write and load is all that they can. */
const HELD = Object.keys(commands).filter((task) => {
  const run = commands[task].includes(` main.ts ${task}`) ? grantsOf(task, "run") : true;
  return run !== true && run.length === 0;
});

Deno.test("deno.json: what a task of the program may write holds none of what is run", () => {
  assertEquals(HELD, ["train", "sample", "evaluate", "figure", "classifier", "export", "pull"]);
  const places = ["runs", "data/.prepared", "models", "docs/figures"];
  for (const task of HELD) {
    const write = grantsOf(task, "write");
    assert(write !== true && write.every((place) => places.includes(place)), `${task}: ${write}`);
  }
});

Deno.test("deno.json: the native code that tasks load is ONNX Runtime's package of the pinned version, and no other's", () => {
  const pinned = settings.imports["onnxruntime-node"].replace("npm:", "node_modules/.deno/");
  const text = JSON.stringify([settings.permissions, commands]);
  const loaded = new Set(text.match(/node_modules(\/[\w.@/-]*)?/g));
  assertEquals([...loaded], [pinned]);
  assert(Deno.statSync(join(root, pinned, "node_modules/onnxruntime-node")).isDirectory);
});

/** Tries what a package that has turned would, and says what it could do. */
const PROBE = `
const could = [];
const attempt = (name, act) => {
  try {
    act();
    could.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) could.push(name + ": " + error);
  }
};
for (const path of Deno.args) attempt("write " + path, () => Deno.openSync(path, { append: true, create: true }).close());
attempt("run", () => new Deno.Command(Deno.execPath()).outputSync());
attempt("load", () => Deno.dlopen("node_modules/zod/index.js", {}));
attempt("load anything", () => Deno.dlopen("/lib/libc.so.6", {}));
attempt("reach", () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close());
attempt("read", () => Deno.readTextFileSync("/etc/hostname"));
attempt("environment", () => Deno.env.get("HOME"));
console.log(JSON.stringify(could));
`;

/** The words by which a task starts Deno, up to the program. */
const startOf = (task: string): string[] => {
  const words = commands[task].replaceAll("'", "").split(" ");
  return words.slice(1, words.indexOf("main.ts"));
};

const start = (args: readonly string[]) =>
  ended(
    new Deno.Command(executable!, { args: [...args], cwd: root, stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn(),
  );

testCommandLine(
  "a package that turns in a task that is held writes no source, runs, loads and reaches nothing",
  async (folder) => {
    const probe = join(folder, "probe.mjs");
    await Deno.writeTextFile(probe, PROBE);
    const source = [...Deno.readDirSync(root)].filter(({ isFile }) => isFile).map(({ name }) => name);
    const paths = [
      ...source,
      ".npmrc",
      "pip.py",
      "core/new.ts",
      "node_modules/zod/index.js",
      ".git/config",
      "web/dist/new.js",
    ];
    for (const task of HELD) {
      const { code, stdout, stderr } = await start([...startOf(task), "--no-prompt", probe, ...paths]);
      assertEquals([code, stdout.trim()], [0, "[]"], `${task}: ${stderr}`);
    }
  },
);

testCommandLine("sample and figure refuse to write over the program, with one line and exit code 2", async () => {
  const before = await Deno.readTextFile(join(root, "main.ts"));
  for (
    const [task, words, file] of [
      ["sample", ["sample", "--out", "main.ts"], "main.ts"],
      ["sample", ["sample", "--out", "core/grid.png"], "core/grid.png"],
      ["sample", ["sample", "--out", "grid.png"], "grid.png"],
      ["figure", ["figure", "chain", "--out", "web/dist/chain.svg"], "web/dist/chain.svg"],
    ] as const
  ) {
    const { code, stdout, stderr } = await start([...startOf(task), "main.ts", ...words]);
    assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], stderr);
    assertStringIncludes(stderr, `--out ${file}: this task has no permission for it`);
    assertStringIncludes(stderr, `--allow-write=${join(root, file)} main.ts ${words[0]}`);
  }
  assertEquals(await Deno.readTextFile(join(root, "main.ts")), before);
});
