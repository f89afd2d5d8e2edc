import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { dirname, fromFileUrl, join, resolve } from "@std/path";
import { DENO_RUN } from "../../deno_run.ts";
import { resolveXla, type XlaChoice } from "../../../engine/mod.ts";
import { findLibrary } from "../../../engine/tensorflow/find_library.ts";
import { openLibrary } from "../../../engine/tensorflow/library.ts";
import { decodeNpy } from "../../../formats/npy.ts";
import { ended, executable, missing, startIn, testCommandLine } from "../../commands/run_main.ts";
import { relativeError } from "../relative_error.ts";

const root = fromFileUrl(new URL("../../../", import.meta.url));
const library = findLibrary();
const reason = missing || (library === null ? "needs TensorFlow" : "");
const place = library === null ? "" : dirname(Deno.realPathSync(library));
const environment = [
  "DENOISE_TENSORFLOW",
  "TF_CPP_MIN_LOG_LEVEL",
  "TF_ENABLE_ONEDNN_OPTS",
  "TF_XLA_FLAGS",
  "XDG_RUNTIME_DIR",
];

/** What TensorFlow 2.21 says at every start; without it nothing must be left on stderr. */
const GREETING = /^(WARNING: All log messages before absl.*|I0000 .* oneDNN custom operations are on\..*)\n/gm;

const xlaTest = (name: string, test: (folder: string) => Promise<void>) => testCommandLine(name, test, reason);

const whyNotKept = (): string => {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return "needs Linux on x86-64";
  const [major, minor] = openLibrary(place).version.split(".").map(Number);
  return major > 2 || minor >= 21 ? "" : "needs TensorFlow 2.21";
};

const cacheTest = (name: string, test: (folder: string) => Promise<void>) =>
  testCommandLine(name, test, reason || whyNotKept());

/** Runs the program in a folder, as the project's own, and reads what it found. */
const program = async (folder: string, what: string, env: Record<string, string> = {}) => {
  const { code, stdout, stderr } = await ended(
    new Deno.Command(executable!, {
      args: [
        ...[...DENO_RUN, "--config", join(root, "deno.json")],
        ...[`--allow-read=${root},${place},.`, `--allow-ffi=${place}`, `--allow-env=${environment}`],
        ...[join(root, "tests/engine/tensorflow/xla_program.ts"), what],
      ],
      cwd: folder,
      // What another test has set here is not to be passed on.
      env: { DENOISE_TENSORFLOW: place, TF_CPP_MIN_LOG_LEVEL: "", TF_XLA_FLAGS: "", ...env },
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  assertEquals(code, 0, stderr);
  return { found: JSON.parse(stdout), stderr: stderr.replaceAll(GREETING, "") };
};

/** The cache's files in a folder, with the time each was written. */
const filesOf = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? filesOf(path) : [`${path} ${Deno.statSync(path).mtime!.getTime()}`];
  }).sort();

Deno.test("auto is off on processors and measured on graphics cards; on and off are so everywhere", () => {
  const both = (choice: XlaChoice) => [resolveXla(choice, false), resolveXla(choice, true)];
  assertEquals([both("auto"), both("on"), both("off")], [[false, "measured"], [true, true], [false, false]]);
});

xlaTest(
  "XLA's values are within 1e-5 of those of TensorFlow's kernels: gradients, and a network's ε",
  async (folder) => {
    const { found } = await program(folder, "agree");
    assertLess(found.gradients, 1e-5);
    assertLess(found.network, 1e-5);
    assertEquals(found.xla, true);
    assertEquals(filesOf(folder), [], "files are kept where .tensorflow is not");
  },
);

cacheTest("the next start finds compiled what XLA compiled, in whatever order it is asked for", async (folder) => {
  const cache = join(folder, ".tensorflow");
  Deno.mkdirSync(cache);
  const { found } = await program(folder, "agree");
  const files = filesOf(cache);
  assertEquals(files.length, 2);
  assertMatch(files[0], /\.tensorflow.xla-cache.2\.\d+\.\d+-[0-9a-f]{12}./);
  for (const what of ["agree", "agree-backwards"]) {
    const next = await program(folder, what);
    assertEquals(filesOf(cache), files, "a file was written anew");
    assertEquals([next.found.gradients, next.found.network], [found.gradients, found.network]);
    assertEquals(next.stderr, "");
  }
});

cacheTest("the cache is where TF_XLA_FLAGS says", async (folder) => {
  Deno.mkdirSync(join(folder, ".tensorflow"));
  const elsewhere = join(folder, "elsewhere");
  await program(folder, "agree", { TF_XLA_FLAGS: `--tf_xla_persistent_cache_directory=${elsewhere}` });
  assertEquals(filesOf(elsewhere).length, 2);
  assertEquals(filesOf(join(folder, ".tensorflow")), []);
});

cacheTest("a folder that may not be written is no hindrance", async (folder) => {
  const cache = join(folder, ".tensorflow");
  Deno.mkdirSync(cache);
  Deno.writeTextFileSync(join(cache, "xla-cache"), "a file, in which no folder can be made");
  const { found } = await program(folder, "agree");
  assertLess(found.network, 1e-5);
});

xlaTest("measured makes both forms at the first call of a shape, and keeps one", async (folder) => {
  const { found: { calls, left } } = await program(folder, "measure");
  for (const { difference, traces, functions } of calls) {
    assertLess(difference, 1e-5);
    assertEquals([traces, functions], [2, 1]);
  }
  assertEquals(left, 0);
});

xlaTest("where a graphics driver has loaded an LLVM, XLA is refused, and measured does without", async (folder) => {
  const { found: { adapter, refusal, measured: { calls, left } } } = await program(folder, "after-webgpu");
  if (adapter && typeof refusal === "string") {
    assertMatch(refusal, /^Cannot compile with XLA: a graphics driver has loaded libLLVM\S+ into this process/);
  } else assertLess(refusal, 1e-5);
  for (const { difference, functions } of calls) {
    assertLess(difference, 1e-5);
    assertEquals(functions, 1);
  }
  assertEquals(left, 0);
});

const sample = async (folder: string, name: string, ...args: string[]) => {
  const out = join(resolve(folder), name);
  const permissions = [
    `--allow-read=${[".", place].filter(Boolean)}`,
    `--allow-ffi=${place || "."}`,
    "--allow-write=runs",
  ];
  const env = {
    DENOISE_TENSORFLOW: place,
    TF_XLA_FLAGS: `--tf_xla_persistent_cache_directory=${join(folder, "cache")}`,
  };
  const request = ["--model", "tests/fixtures/tiny-model", "--steps", "5", "--seed", "1", "-n", "2", "--out", out];
  const ran = await ended(
    startIn(env, [...permissions, `--allow-env=${environment}`], "sample", ...request, ...args),
  );
  return { ...ran, out };
};

xlaTest(
  "sample --xla on draws what --xla off draws, but for rounding, on TensorFlow without its name",
  async (folder) => {
    const draw = async (name: string, ...args: string[]) => {
      const { code, stdout, stderr, out } = await sample(folder, name, ...args);
      assertEquals(code, 0, stderr);
      assertEquals(JSON.parse(stdout.split("\n")[0]).engine, "tensorflow");
      return decodeNpy(Deno.readFileSync(out)).data as Float32Array;
    };
    const on = await draw("on.npy", "--xla", "on");
    const off = await draw("off.npy", "--xla", "off", "--engine", "tensorflow");
    assertLess(relativeError(on, off), 1e-4);
    assert(on.some((value, i) => value !== off[i]), "the same bits: it is not XLA that computed them");
  },
);

testCommandLine("--xla is refused where the engine has none, and where it is none of its values", async (folder) => {
  for (
    const [args, message] of [
      [["--xla", "on", "--engine", "wasm"], 'error: xla must be auto or off with the engine wasm, received "on"\n'],
      [["--xla", "yes"], 'error: --xla must be one of auto, on, off, received "yes"\n'],
    ] as const
  ) {
    const { code, stderr } = await sample(folder, "a.npy", ...args);
    assertEquals([code, stderr], [2, message]);
  }
});
