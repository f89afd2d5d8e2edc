import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { preloadCuda, runtimeIn } from "../../../engine/onnx/cuda.ts";
import { isGranted } from "../../../engine/permissions.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";

const textOf = (path: string) => Deno.readTextFile(new URL(`../../../${path}`, import.meta.url));

/** The version of onnxruntime-node, by whose name the runtime's own file goes. */
const { imports } = JSON.parse(await textOf("deno.json"));
const version = imports["onnxruntime-node"].split("@")[1];

const RUNTIME = `onnxruntime/capi/libonnxruntime.so.${version}`;
const LIBRARIES = [
  ...["libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10", "libcufft.so.12", "libnvrtc.so.13"]
    .map((name) => `nvidia/cu13/lib/${name}`),
  "nvidia/cudnn/lib/libcudnn.so.9",
];

Deno.test("what install onnx-cuda brings is of the version that deno.json has of onnxruntime-node", async () => {
  const lines = (await textOf("engine/requirements/onnx-cuda.txt")).trimEnd().split("\n");
  const versions = lines.map((line) => /^(\S+)==(\S+) --hash=sha256:[0-9a-f]{64}$/.exec(line)!.slice(1));
  assertEquals(Object.fromEntries(versions)["onnxruntime-gpu"], version);
});

const canLoad = Deno.build.os === "linux" && isGranted({ name: "ffi", path: "runs" });
const reason = reasonNotToWrite || (canLoad ? "" : "needs Linux and --allow-ffi=runs");
const reasonNotToCompile = reason || (isGranted({ name: "run", command: "cc" }) ? "" : "needs --allow-run=cc");

writingTest("preloadCuda tells that nothing is installed, and of libraries that do not load", async (runs) => {
  assertEquals(preloadCuda(runs), "its libraries are not here; deno task engine install onnx-cuda gets them");
  for (const library of [RUNTIME, LIBRARIES[0]]) {
    await Deno.mkdir(dirname(join(runs, library)), { recursive: true });
    await Deno.writeTextFile(join(runs, library), "not a library\n");
  }
  assertEquals(runtimeIn(runs), join(runs, RUNTIME));
  const message = preloadCuda(runs)!;
  assertMatch(message, /^its libraries do not load: [^\n]+$/);
  assertStringIncludes(message, "libcudart.so.13");
}, reason);

const compile = async (source: string, path: string): Promise<void> => {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(`${path}.c`, source);
  const { code } = await new Deno.Command("cc", { args: ["-shared", "-fPIC", "-o", path, `${path}.c`] }).output();
  assertEquals(code, 0);
};

/** A CUDA runtime that answers so. */
const cudart = (error: number, driver: number): string =>
  `int cudaGetDeviceCount(int *count) { *count = ${error === 0 ? 1 : 0}; return ${error}; }
   int cudaDriverGetVersion(int *version) { *version = ${driver}; return 0; }`;

for (
  const [error, driver, expected] of [
    [35, 0, "no driver of NVIDIA's is here"],
    [35, 12040, "NVIDIA's driver must be one for CUDA 13, received one for 12.4"],
    [100, 13000, "no graphics card of NVIDIA's is here"],
    [999, 13000, "CUDA fails with its error 999"],
  ] as const
) {
  writingTest(`preloadCuda, when CUDA gives error ${error} and driver ${driver}: ${expected}`, async (runs) => {
    await compile("", join(runs, RUNTIME));
    await compile(cudart(error, driver), join(runs, LIBRARIES[0]));
    assertEquals(preloadCuda(runs), expected);
  }, reasonNotToCompile);
}

writingTest(
  "preloadCuda, when CUDA has a card, loads the runtime and each library, or names the one that does not",
  async (runs) => {
    await compile(cudart(0, 13000), join(runs, LIBRARIES[0]));
    for (const library of [...LIBRARIES.slice(1), RUNTIME]) await compile("", join(runs, library));
    for (const library of LIBRARIES) {
      await Deno.rename(join(runs, library), join(runs, "away"));
      assertStringIncludes(preloadCuda(runs)!, library);
      await Deno.rename(join(runs, "away"), join(runs, library));
    }
    assertEquals(preloadCuda(runs), null);
  },
  reasonNotToCompile,
);
