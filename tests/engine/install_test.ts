import { assert, assertEquals, assertRejects } from "@std/assert";
import { join, resolve } from "@std/path";
import { zipSync } from "fflate";
import { EngineError } from "../../engine/engine.ts";
import { type InstallEvent, installWheels, type Wheels } from "../../engine/install.ts";
import { isGranted } from "../../engine/permissions.ts";
import { reasonNotToWrite, writingTest } from "../model/temporary_folder.ts";

const reason = reasonNotToWrite || (isGranted({ name: "run", command: "python3" }) ? "" : "needs --allow-run=python3");

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Writes a wheel with one library, and the requirements that it meets. */
const makeWheels = async (
  folder: string,
  { content = "a library\n", digest }: { content?: string; digest?: string } = {},
): Promise<Wheels> => {
  const info = "few-1.0.dist-info";
  const bytes = new Uint8Array(zipSync({
    "few/libfew.so": bytesOf(content),
    [`${info}/METADATA`]: bytesOf("Metadata-Version: 2.1\nName: few\nVersion: 1.0\n"),
    [`${info}/WHEEL`]: bytesOf("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    [`${info}/RECORD`]: bytesOf(`few/libfew.so,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`),
  }, { mtime: "2000-01-01" }));
  const wheel = resolve(folder, "few-1.0-py3-none-any.whl");
  await Deno.writeFile(wheel, bytes);
  const requirements = join(folder, "wanted.txt");
  const right = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  await Deno.writeTextFile(requirements, `${wheel} --hash=sha256:${digest ?? right}\n`);
  const libraryIn = (folder: string): string | null => {
    const path = join(folder, "few", "libfew.so");
    try {
      return Deno.statSync(path).isFile ? path : null;
    } catch {
      return null;
    }
  };
  return { product: "few", requirements, libraryIn };
};

const namesIn = async (folder: string): Promise<string[]> =>
  (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();

const { signal } = new AbortController();

writingTest("installWheels makes the folder, says what it does, and leaves nothing beside it", async (runs) => {
  const folder = join(runs, "libraries");
  const events: InstallEvent[] = [];
  const wheels = await makeWheels(runs);
  const path = await installWheels(wheels, { folder, signal, report: (event) => events.push(event) });
  assertEquals(path, join(folder, "few", "libfew.so"));
  assertEquals(await Deno.readTextFile(path), "a library\n");
  assertEquals([events[0].event, events.at(-1)], ["start", { event: "done", file: path }]);
  assertEquals(await namesIn(runs), ["few-1.0-py3-none-any.whl", "libraries", "wanted.txt"]);
}, reason);

writingTest("installWheels leaves a folder of the same requirements, and replaces one of others", async (runs) => {
  const folder = join(runs, "libraries");
  const report = () => {};
  const path = await installWheels(await makeWheels(runs), { folder, signal, report });
  const mark = join(folder, "mark");
  await Deno.writeTextFile(mark, "");
  assertEquals(await installWheels(await makeWheels(runs), { folder, signal, report }), path);
  assert((await namesIn(folder)).includes("mark"));

  await installWheels(await makeWheels(runs, { content: "a newer one\n" }), { folder, signal, report });
  assertEquals([await Deno.readTextFile(path), (await namesIn(folder)).includes("mark")], ["a newer one\n", false]);

  // One that has lost its library is made anew.
  await Deno.remove(path);
  await installWheels(await makeWheels(runs, { content: "a newer one\n" }), { folder, signal, report });
  assertEquals(await Deno.readTextFile(path), "a newer one\n");
}, reason);

writingTest("installWheels refuses a wheel of another digest, and leaves what was there", async (runs) => {
  const folder = join(runs, "libraries");
  await Deno.mkdir(join(folder, "older"), { recursive: true });
  const wheels = await makeWheels(runs, { digest: "0".repeat(64) });
  const install = () => installWheels(wheels, { folder, signal, report: () => {} });
  const { message } = await assertRejects(install, EngineError);
  assertEquals(message, "Cannot install few: python3 ended with code 1");
  assertEquals(await namesIn(runs), ["few-1.0-py3-none-any.whl", "libraries", "wanted.txt"]);
  assertEquals(await namesIn(folder), ["older"]);
}, reason);

writingTest("installWheels stops when it is told to, and leaves what was there", async (runs) => {
  const folder = join(runs, "libraries");
  await Deno.mkdir(join(folder, "older"), { recursive: true });
  const wheels = await makeWheels(runs);
  const stop = new AbortController();
  const report = ({ event }: InstallEvent) => {
    if (event === "start") setTimeout(() => stop.abort(new Error("called off")), 50);
  };
  await assertRejects(() => installWheels(wheels, { folder, signal: stop.signal, report }), Error, "called off");
  assertEquals(await namesIn(runs), ["few-1.0-py3-none-any.whl", "libraries", "wanted.txt"]);
  assertEquals(await namesIn(folder), ["older"]);
}, reason);
