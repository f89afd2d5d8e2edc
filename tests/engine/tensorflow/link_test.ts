import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { dirname, join, resolve } from "@std/path";
import { EngineError } from "../../../engine/engine.ts";
import { findLibrary, libraryIn } from "../../../engine/tensorflow/find_library.ts";
import { isGranted } from "../../../engine/permissions.ts";
import { linkTensorflow } from "../../../engine/tensorflow/link.ts";
import { openLibrary } from "../../../engine/tensorflow/library.ts";
import { reasonNotToWrite, writingTest } from "../../model/temporary_folder.ts";
import { whyNot } from "../why_not.ts";

const grants = isGranted({ name: "run", command: "ln" }) && isGranted({ name: "ffi", path: "runs" });
const reason = reasonNotToWrite || (grants ? "" : "needs --allow-run=ln --allow-ffi=runs");

writingTest("linkTensorflow links the folder of a library that loads, in place of an older one", async (runs) => {
  const library = findLibrary()!;
  const target = await Deno.realPath(dirname(library));
  const folder = join(runs, ".tensorflow");
  await Deno.mkdir(join(folder, "older"), { recursive: true });
  for (const from of [dirname(library), dirname(dirname(library)), library]) {
    const linked = await linkTensorflow(from, { folder });
    assertMatch(linked.version, /^2\.\d+/);
    assertEquals(await Deno.realPath(linked.target), target);
    assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["tensorflow"]);
    assertEquals(openLibrary(folder).version, linked.version);
  }
  await Deno.remove(folder, { recursive: true });
  assertEquals(libraryIn(library), library);
}, reason || whyNot("tensorflow"));

writingTest("linkTensorflow refuses what holds no library, or a broken one, and leaves all as it was", async (runs) => {
  const folder = join(runs, ".tensorflow");
  await Deno.mkdir(join(folder, "older"), { recursive: true });
  const from = join(runs, "elsewhere");
  await Deno.mkdir(join(from, "lib"), { recursive: true });
  const refusal = async () => (await assertRejects(() => linkTensorflow(from, { folder }), EngineError)).message;
  const elsewhere = resolve(from);
  assertEquals(await refusal(), `Cannot find TensorFlow's library in ${elsewhere}`);

  const file = Deno.build.os === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2";
  await Deno.writeTextFile(join(from, "lib", file), "not a library\n");
  const message = await refusal();
  assertEquals(message.startsWith(`Cannot open TensorFlow at ${join(elsewhere, "lib", file)}: `), true, message);
  const left = await Array.fromAsync(Deno.readDir(runs), ({ name }) => name);
  assertEquals(left.sort(), [".tensorflow", "elsewhere"]);
  assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["older"]);
}, reason);
