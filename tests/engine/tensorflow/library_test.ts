import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { EngineError } from "../../../engine/engine.ts";
import { openLibrary } from "../../../engine/tensorflow/library.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";

const refusal = (place: string): string => assertThrows(() => openLibrary(place), EngineError).message;

Deno.test("openLibrary tells in one line that there is no library", () => {
  assertEquals(refusal("tests/no-such-folder"), "Cannot find TensorFlow's library in tests/no-such-folder");
  assertEquals(refusal("tests"), "Cannot find TensorFlow's library in tests");
});

/** The first bytes of a shared library for a processor. */
const elfHeader = (machine: number): Uint8Array => {
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header[16] = 3;
  header[18] = machine;
  return header;
};

writingTest("openLibrary tells in one line that a library is for another processor, or none at all", async (folder) => {
  const file = join(folder, "libtensorflow_cc.so.2");
  const [machine, name] = Deno.build.arch === "aarch64" ? [0x3e, "x86_64"] : [0xb7, "aarch64"];
  await Deno.writeFile(file, elfHeader(machine));
  assertEquals(
    refusal(folder),
    `Cannot open TensorFlow at ${file}: it is built for ${name}, and this machine is ${Deno.build.arch}`,
  );
  await Deno.writeTextFile(file, "not a library\n");
  assertMatch(refusal(folder), /^Cannot open TensorFlow at [^\n]+: [^\n]+$/);
});

const whyNotCompile = async (): Promise<string> => {
  if (reasonNotToWrite !== "") return reasonNotToWrite;
  for (const descriptor of [{ name: "run", command: "cc" }, { name: "ffi", path: "runs" }] as const) {
    if ((await Deno.permissions.query(descriptor)).state !== "granted") return "needs --allow-run=cc --allow-ffi=runs";
  }
  return "";
};

const cannotCompile = await whyNotCompile();

const build = async (folder: string, source: string): Promise<string> => {
  const file = join(folder, "libtensorflow_cc.so.2");
  await Deno.writeTextFile(join(folder, "fake.c"), source);
  // A library that calls nothing of C would not bring C along.
  const args = ["-shared", "-fPIC", "-Wl,--no-as-needed", "-o", file, join(folder, "fake.c"), "-lc"];
  const { code } = await new Deno.Command("cc", { args }).output();
  assertEquals(code, 0);
  return file;
};

writingTest("openLibrary tells in one line that TensorFlow is too old", async (folder) => {
  const file = await build(folder, `const char* TF_Version(void) { return "2.8.4"; }`);
  assertEquals(
    refusal(folder),
    `Cannot use TensorFlow at ${file}: version must be 2.9 or newer, received 2.8.4`,
  );
}, cannotCompile);

writingTest("openLibrary names the function that a library lacks", async (folder) => {
  const file = await build(folder, `const char* TF_Version(void) { return "2.21.0"; }`);
  const [path, name] = refusal(folder).split(": it lacks the function ");
  assertEquals(path, `Cannot open TensorFlow at ${file}`);
  assertMatch(name, /^TFE?_[A-Za-z]+$/);
}, cannotCompile);
