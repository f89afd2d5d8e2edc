import { assertEquals, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";
import { EngineError } from "../../../engine/engine.ts";
import { findLibrary, LIBRARY_VARIABLE, libraryAt, libraryIn } from "../../../engine/tensorflow/find_library.ts";
import { isGranted } from "../../../engine/permissions.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";

const FILE = Deno.build.os === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2";

const place = async (folder: string, inside: string): Promise<string> => {
  const file = join(folder, inside, FILE);
  await Deno.mkdir(join(folder, inside), { recursive: true });
  await Deno.writeFile(file, new Uint8Array());
  return file;
};

writingTest(
  "libraryIn finds the library where wheels, archives and Python keep it, and takes the file itself",
  async (folder) => {
    assertEquals(libraryIn(folder), null);
    for (const inside of ["site-packages/tensorflow", "lib", "tensorflow", "."]) {
      const file = await place(folder, inside);
      assertEquals(libraryIn(folder), file);
      assertEquals(libraryIn(file), file);
    }
  },
);

writingTest("libraryIn finds it among an environment's packages, the newest Python's first", async (folder) => {
  const old = await place(folder, "lib/python3.9/site-packages/tensorflow");
  assertEquals(libraryIn(folder), old);
  await Deno.mkdir(join(folder, "lib/python3.13/site-packages"), { recursive: true });
  assertEquals(libraryIn(folder), old);
  const newer = await place(folder, "lib/python3.12/dist-packages/tensorflow");
  assertEquals(libraryIn(folder), newer);
});

const grants = isGranted({ name: "ffi", path: "runs" }) && isGranted({ name: "env", variable: LIBRARY_VARIABLE });
const reason = reasonNotToWrite || (grants ? "" : `needs --allow-ffi=runs --allow-env=${LIBRARY_VARIABLE}`);

const withVariable = (value: string, run: () => void): void => {
  const before = Deno.env.get(LIBRARY_VARIABLE);
  Deno.env.set(LIBRARY_VARIABLE, value);
  try {
    run();
  } finally {
    if (before === undefined) Deno.env.delete(LIBRARY_VARIABLE);
    else Deno.env.set(LIBRARY_VARIABLE, before);
  }
};

writingTest("findLibrary takes the library that DENOISE_TENSORFLOW names, and no other", async (folder) => {
  withVariable(folder, () => {
    const { message } = assertThrows(findLibrary, EngineError);
    assertEquals(message, `Cannot find TensorFlow's library in ${folder} (DENOISE_TENSORFLOW)`);
  });
  const file = await place(folder, "tensorflow");
  withVariable(folder, () => assertEquals(findLibrary(), file));
}, reason);

// The test task may run this program, and neither read its folder nor load libraries from it.
const outside = dirname(Deno.execPath());
const isOpen = isGranted({ name: "read", path: outside }) && isGranted({ name: "ffi", path: outside });

Deno.test({
  name: `libraryAt says which flags and which command help${isOpen ? " (needs to run without -A)" : ""}`,
  ignore: isOpen,
  fn: () => {
    const { message } = assertThrows(() => libraryAt(outside), EngineError);
    assertEquals(
      message,
      `Cannot load TensorFlow from ${outside}: this process has no permission to. ` +
        `Run deno task engine install --from ${outside} once, which links it into .tensorflow/ for the tasks, ` +
        `and leave --tensorflow out; or use deno run with --allow-read=${outside} --allow-ffi=${outside} in addition`,
    );
  },
});
