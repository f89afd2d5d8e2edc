import { assertEquals } from "@std/assert";
import { unzipSync } from "fflate";
import { createStoredZip } from "../../formats/npz.ts";
import { python, whyNoPython } from "../model/python.ts";

const text = (content: string) => new TextEncoder().encode(content);

/** An archive of two files; with a `limit` of 0, every number in it takes the 64-bit extension. */
const archiveOf = (limit?: number): Uint8Array<ArrayBuffer> => {
  const bytes: number[] = [];
  const zip = createStoredZip((piece) => bytes.push(...piece), { limit });
  for (const [name, pieces] of [["a.txt", ["one ", "and ", "two"]], ["b.txt", ["three"]]] as const) {
    const file = zip.add(name, pieces.join("").length);
    for (const piece of pieces) file.push(text(piece));
    file.end();
  }
  zip.end();
  return Uint8Array.from(bytes);
};

Deno.test("createStoredZip writes what fflate reads", () => {
  assertEquals(unzipSync(archiveOf()), { "a.txt": text("one and two"), "b.txt": text("three") });
});

const READ = `
import io, sys, zipfile
with zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())) as archive:
    print(archive.testzip(), *[archive.read(name).decode() for name in archive.namelist()], sep="|", end="")
`;

const reason = await whyNoPython("zipfile");
for (const [name, limit] of [["as files below 4 GiB", undefined], ["as files above", 0], ["and mixed", 8]] as const) {
  Deno.test({
    name: `createStoredZip writes what Python's zipfile finds whole, ${name} ${reason}`.trimEnd(),
    ignore: reason !== "",
    fn: async () => {
      const printed = await python(READ, { input: archiveOf(limit) });
      assertEquals(new TextDecoder().decode(printed), "None|one and two|three");
    },
  });
}
