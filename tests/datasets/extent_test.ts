import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { datasetExtent } from "../../datasets/extent.ts";
import { openDataset } from "../../datasets/open.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { encodePng } from "../../formats/png.ts";
import { zipSync } from "fflate";
import { writingTest } from "../model/temporary_folder.ts";

const DIGITS = Array.from("0123456789");
const gzip = async (bytes: Uint8Array<ArrayBuffer>) =>
  await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();

Deno.test("datasetExtent: what is built in is known by its name, at its own size or at another", async () => {
  const mnist = { count: 60_000, height: 32, width: 32, channels: 1, classNames: DIGITS };
  assertEquals(await datasetExtent("mnist"), mnist);
  assertEquals(await datasetExtent("mnist", { size: 4096 }), { ...mnist, height: 4096, width: 4096 });
  assertEquals((await datasetExtent("mnist-test"))?.count, 10_000);
});

writingTest(
  "datasetExtent reads it off headers, names and caches, as opening reads it off the images",
  async (folder) => {
    const root = join(folder, "data");
    const at = (name: string) => join(root, name);
    await Deno.mkdir(root);
    const images = { dtype: "uint8", shape: [7, 4, 6, 3], data: new Uint8Array(7 * 4 * 6 * 3).fill(9, 100) } as const;
    const labels = { dtype: "int32", shape: [7], data: Int32Array.from([0, 1, 2, 0, 1, 2, 0]) } as const;
    const npz = encodeNpz({ labels, images });
    await Deno.writeFile(at("stored.npz"), npz);
    const { unzipSync } = await import("fflate");
    await Deno.writeFile(at("deflated.npz"), zipSync(unzipSync(npz), { level: 6 }));
    const idx = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5, ...Array(30).keys()]);
    await Deno.writeFile(at("plain-idx3"), idx);
    await Deno.writeFile(at("packed-idx3.gz"), await gzip(idx));
    await Deno.writeFile(at("test_batch.bin"), new Uint8Array(3 * 3073));
    const picture = encodePng({ data: new Uint8Array(5 * 5 * 3).fill(9, 40), height: 5, width: 5, channels: 3 });
    for (const name of ["a", "b,c"]) {
      await Deno.mkdir(at(`pictures/${name}`), { recursive: true });
      for (const file of ["1", "2"]) await Deno.writeFile(at(`pictures/${name}/${file}.png`), picture);
    }
    const names = ["stored.npz", "deflated.npz", "plain-idx3", "packed-idx3.gz", "test_batch.bin", "pictures"];
    for (const name of names) {
      const known = await datasetExtent(at(name), { root });
      const { count, height, width, channels, classNames, ...opened } = await openDataset(at(name), { root });
      opened[Symbol.dispose]();
      // Labels of arrays are not read.
      const isArray = /npz|idx/.test(name);
      assertEquals(known, { count, height, width, channels, classNames: isArray ? null : classNames }, name);
      const resized = await datasetExtent(at(name), { root, size: 64 });
      assertEquals([resized?.count, resized?.height, resized?.width], [count, 64, 64]);
    }
    const [cache] = [...Deno.readDirSync(at(".prepared"))].map(({ name }) => name).filter((name) => /pict/.test(name));
    assertEquals((await datasetExtent(cache, { root }))?.classNames, ["a", "b,c"]);
  },
);

writingTest("datasetExtent: where nothing is said, nothing is known", async (folder) => {
  const files: Record<string, Uint8Array> = {
    "empty": new Uint8Array(0),
    "text": new TextEncoder().encode("hello, world"),
    "torn.npz": encodeNpz({ images: { dtype: "uint8", shape: [9, 9, 9], data: new Uint8Array(729) } }).subarray(0, 40),
    "other.npz": encodeNpz({ other: { dtype: "uint8", shape: [9, 9, 9], data: new Uint8Array(729) } }),
    "torn-idx3": Uint8Array.from([0, 0, 8, 3, 0, 0]),
    "torn.gz": Uint8Array.from([31, 139, 8, 0, 1, 2, 3]),
  };
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(join(folder, name), bytes);
    assertEquals(await datasetExtent(join(folder, name)), null, name);
  }
  assertEquals(await datasetExtent(join(folder, "nothing")), null);
  assertEquals(await datasetExtent(folder), null);
});
