import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { ENGINES } from "../../engine/engine.ts";
import { type Ended, ended, missing, run, startIn, startWith, testCommandLine } from "./run_main.ts";

const variables =
  "DATABASE_URL,DENOISE_API_KEYS,DENOISE_TENSORFLOW,TF_CPP_MIN_LOG_LEVEL,TF_ENABLE_ONEDNN_OPTS,XDG_RUNTIME_DIR";
const permissions = ["--allow-read=.", `--allow-env=${variables}`];

const withGrants = (grants: readonly string[], ...args: string[]): Promise<Ended> =>
  ended(startWith([...permissions, ...grants], ...args));

testCommandLine(
  "engine lists every engine in a line: version, device, whether it compiles, auto's reason",
  async () => {
    const { code, stdout } = await run("engine");
    assertEquals(code, 0);
    const lines = stdout.trimEnd().split("\n");
    const columns = (line: string) => line.split(/ {2,}/);
    assertEquals(columns(lines[0]), ["engine", "version", "device", "compiles", "auto"]);
    assertEquals(lines.slice(1, 1 + ENGINES.length).map((line) => columns(line)[0]), [...ENGINES]);
    const wasm = columns(lines[1 + ENGINES.indexOf("wasm")]);
    assertMatch(wasm[1], /^\d+\.\d+\.\d+$/);
    assertMatch(wasm[2], /^WebAssembly/);
    assertEquals(wasm[3], "no");
    // Without leave to load anything there is neither of these.
    const onnx = columns(lines[1 + ENGINES.indexOf("onnx")]),
      tensorflow = columns(lines[1 + ENGINES.indexOf("tensorflow")]);
    assertEquals(onnx[4], "not here: this process may not load its library");
    assertEquals(tensorflow[4], "not here: no library is where this process may load one");
    assertMatch(stdout, /\ndeno task engine install gets TensorFlow|\npython3 has TensorFlow/);
    assertEquals(lines.slice(1).filter((line) => line.includes("takes it: ")).length, 1);
  },
);

testCommandLine("engine --json tells the same to programs", async () => {
  const { code, stdout } = await run("engine", "--json");
  assertEquals(code, 0);
  const { auto, why, engines } = JSON.parse(stdout);
  assertEquals(engines.map(({ name }: { name: string }) => name), [...ENGINES]);
  const taken = engines.find(({ name }: { name: string }) => name === auto);
  assert(taken.version && taken.device && typeof taken.compiles === "boolean" && why);
});

testCommandLine(
  "engine finds the library of the active virtual environment, and says why it cannot be used",
  async (folder) => {
    const packages = join(folder, "lib", "python3.12", "site-packages", "tensorflow");
    await Deno.mkdir(packages, { recursive: true });
    const file = join(packages, Deno.build.os === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2");
    await Deno.writeTextFile(file, "not a library\n");
    const grants = ["--allow-env=VIRTUAL_ENV", `--allow-ffi=${folder}`];
    const child = startIn({ VIRTUAL_ENV: folder }, [...permissions, ...grants], "engine", "--json");
    const { engines } = JSON.parse((await ended(child)).stdout);
    const { reason } = engines.find(({ name }: { name: string }) => name === "tensorflow");
    assertStringIncludes(reason, `Cannot open TensorFlow at ${file}: `);
  },
);

testCommandLine("engine install says what it lacks, and what does not go together", async () => {
  const fails = async (message: string, ...args: string[]) => {
    const { code, stdout, stderr } = await run("engine", ...args);
    assertEquals([code, stdout, stderr], [2, "", `error: ${message}\n`]);
  };
  await fails("--what must be one of cpu, cuda, onnx-cuda with install, or --from given, received nothing", "install");
  await fails('--from must be left out with cpu, which is downloaded, received "x"', "install", "cpu", "--from", "x");
  await fails('--from must be left out without install, received "x"', "--from", "x");
});

const canAskPython = (await Deno.permissions.query({ name: "run", command: "python3" })).state === "granted";

testCommandLine("engine tells of the TensorFlow that python3 has, and of the command that links it", async (folder) => {
  const [path, info] = [join(folder, "tensorflow"), join(folder, "tensorflow_cpu-2.99.0.dist-info")];
  await Deno.mkdir(path);
  await Deno.mkdir(info);
  await Deno.writeTextFile(join(path, "__init__.py"), "raise Exception('it was imported')\n");
  await Deno.writeTextFile(join(info, "METADATA"), "Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 2.99.0\n");
  await Deno.writeTextFile(join(info, "top_level.txt"), "tensorflow\n");
  const child = startIn({ PYTHONPATH: folder }, [...permissions, "--allow-run=python3"], "engine");
  const { code, stdout } = await ended(child);
  assertEquals(code, 0);
  assertStringIncludes(
    stdout,
    `\npython3 has TensorFlow 2.99.0 in ${path}: deno task engine install --from python links it here\n`,
  );
}, missing || (canAskPython ? "" : "needs --allow-run=python3"));

const outside = dirname(Deno.execPath());

for (const args of [["serve"], ["train", "--preset=tiny"], ["sample", "--out=runs/none.png"], ["engine"]]) {
  testCommandLine(
    `${args[0]} --tensorflow: a place out of reach exits 2, with the flags and the command that help`,
    async () => {
      const grants = ["--allow-net=127.0.0.1", "--allow-write=runs", "--allow-ffi=.tensorflow"];
      const { code, stdout, stderr } = await withGrants(grants, ...args, "--tensorflow", outside);
      const result = stdout.replaceAll(/^\{"event":"status",.*\n/gm, "");
      assertEquals([code, result, stderr.trimEnd().split("\n").length], [2, "", 1]);
      assertStringIncludes(stderr, `error: Cannot load TensorFlow from ${outside}: `);
      assertStringIncludes(stderr, `deno task engine install --from ${outside} `);
      assertStringIncludes(stderr, `--allow-read=${outside} --allow-ffi=${outside} `);
    },
  );
}

testCommandLine("sample --tensorflow goes with no other engine", async () => {
  const { code, stderr } = await run("sample", "--engine", "wasm", "--tensorflow", "x", "--out", "runs/none.png");
  assertEquals([code, stderr], [2, 'error: tensorflow must be left out with the engine wasm, received "x"\n']);
});

testCommandLine("DENOISE_TENSORFLOW leads nowhere: one line says so, and the next engine draws", async (folder) => {
  const out = join(folder, "a.png");
  const args = ["sample", "--model", "tests/fixtures/tiny-model", "--steps", "2", "-n", "1", "-o", out];
  const child = startIn({ DENOISE_TENSORFLOW: folder }, [...permissions, "--allow-write=runs"], ...args);
  const { code, stdout, stderr } = await ended(child);
  assertEquals(
    [code, stderr],
    [0, `Cannot find TensorFlow's library in ${folder} (DENOISE_TENSORFLOW); taking the next engine\n`],
  );
  assertMatch(stdout, /"engine":"(wasm|webgpu)"/);
});

testCommandLine("serve --engine: jobs run on the server's engine unless they ask for another", async () => {
  const args = ["serve", "--model", "tests/fixtures/tiny-model", "--port", "0", "--engine", "cpu"];
  const server = startWith([...permissions, "--allow-net=127.0.0.1"], ...args);
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await output.read();
  const response = await fetch(`${/^http:\S+/.exec(value)![0]}/openapi.json`);
  const { properties } = (await response.json()).paths["/jobs"].post.requestBody.content["application/json"].schema;
  assertEquals([properties.engine.default, properties.tensorflow], ["cpu", undefined]);
  server.kill("SIGTERM");
  assertEquals((await server.status).code, 0);
  await Promise.all([output.cancel(), server.stderr.cancel()]);
});
