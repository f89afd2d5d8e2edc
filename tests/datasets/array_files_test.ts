import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { basename, join } from "@std/path";
import { DatasetError } from "../../datasets/dataset.ts";
import { findDataset, openDataset } from "../../datasets/open.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { bytesOf, expected, FIXTURES } from "./fixtures.ts";

const opens = (
  what: string,
  path: string,
  wanted: { key: string; shape: number[]; labels: number[]; classNames: string[] },
) =>
  writingTest(`openDataset reads ${what} as NumPy does`, async (root) => {
    using dataset = await openDataset(join(FIXTURES, path), { root });
    const { count, height, width, channels, labels, classNames } = dataset;
    assertEquals([count, height, width, channels], wanted.shape);
    assertEquals([...labels!], wanted.labels);
    assertEquals(classNames, wanted.classNames);
    assertEquals(bytesOf(dataset), expected[wanted.key]);
  });

const idx = { key: "idx", shape: [4, 5, 6, 1], labels: [3, 1, 0, 1], classNames: ["0", "1", "2", "3"] };
opens("an IDX file, with the labels beside it", "few-images-idx3-ubyte", idx);
opens("a gzipped IDX file", "few-images-idx3-ubyte.gz", idx);
opens("CIFAR-10 binaries, in the order of their numbers", "cifar", {
  key: "cifar",
  shape: [3, 32, 32, 3],
  labels: [2, 0, 1],
  classNames: ["plane", "car", "bird"],
});
opens("guided-diffusion's .npz", "guided.npz", {
  key: "guided",
  shape: [3, 8, 8, 3],
  labels: [5, 0, 2],
  classNames: ["0", "1", "2", "3", "4", "5"],
});
opens("Keras's .npz, beside an array of a kind that is not read", "gray.npz", {
  key: "gray",
  shape: [2, 7, 7, 1],
  labels: [1, 0],
  classNames: ["0", "1"],
});

writingTest("openDataset reads the labels of an .npz whatever type of integers they are", async (root) => {
  const files = [...Deno.readDirSync(join(FIXTURES, "labels"))].filter(({ name }) => /[iu]\d\.npz$/.test(name));
  assertEquals(files.length, 14);
  for (const { name } of files) {
    using dataset = await openDataset(join(FIXTURES, "labels", name), { root });
    assertEquals([...dataset.labels!], [2, 0, 1], name);
  }
});

writingTest("openDataset names the array of an .npz that holds no classes, and its type", async (root) => {
  const refuses = (name: string, message: string) =>
    assertRejects(() => openDataset(join(FIXTURES, "labels", name), { root }), DatasetError, message);
  await refuses(
    "mixed.npz",
    "mixed.npz (uint64) must hold classes 0 … 99999, received 9223372036854775808 for image 1",
  );
  await refuses("strings.npz", "cannot read y.npy: its type must be one of float32, float64, int8");
});

writingTest("openDataset reads one CIFAR-10 binary by its path", async (root) => {
  using dataset = await openDataset(join(FIXTURES, "cifar", "test_batch.bin"), { root });
  assertEquals([dataset.count, ...dataset.labels!], [1, 1]);
  assertEquals(bytesOf(dataset), expected.cifar.subarray(2 * 3072));
});

writingTest("openDataset has no classes for an IDX file without labels beside it", async (root) => {
  const path = join(root, "images");
  await Deno.copyFile(join(FIXTURES, "few-images-idx3-ubyte"), path);
  using dataset = await openDataset(path, { root });
  assertEquals([dataset.count, dataset.labels, dataset.classNames], [4, null, null]);
});

writingTest(
  "openDataset resizes arrays that are asked for at another size, and leaves those of that size alone",
  async (root) => {
    const path = join(root, "flat.npz");
    const data = new Uint8Array(2 * 6 * 8 * 3).fill(200, 0, 144).fill(30, 144);
    await Deno.writeFile(path, encodeNpz({ images: { dtype: "uint8", shape: [2, 6, 8, 3], data } }));
    using dataset = await openDataset(path, { root, size: 4 });
    assertEquals([dataset.count, dataset.height, dataset.width, dataset.channels], [2, 4, 4, 3]);
    assertEquals([...bytesOf(dataset)], [...new Uint8Array(96).fill(200, 0, 48).fill(30, 48)]);
    using same = await openDataset(join(FIXTURES, "guided.npz"), { root, size: 8 });
    assertEquals(bytesOf(same), expected.guided);
  },
);

writingTest("findDataset keeps the caches of before but those of images that were resized otherwise", async (root) => {
  const nameOf = async (size?: number) =>
    basename((await findDataset(join(FIXTURES, "guided.npz"), { root, size })).folder!);
  // As they were called when resizing did not round between its two passes.
  assertEquals(await nameOf(), "guided-a2d8377d5ca4");
  const before = "guided-4-62cc230efabb", now = await nameOf(4);
  assertNotEquals(now, before);
  assertEquals(now.slice(0, 9), before.slice(0, 9));
});

writingTest("openDataset names a damaged file and what is wrong with it", async (root) => {
  const uint8 = (...shape: number[]) => {
    const data = new Uint8Array(shape.reduce((all, extent) => all * extent, 1));
    return { dtype: "uint8", shape, data } as const;
  };
  const refuses = async (name: string, bytes: Uint8Array, message: string) => {
    const path = join(root, name);
    await Deno.writeFile(path, bytes);
    await assertRejects(() => openDataset(path, { root }), DatasetError, message);
    assertEquals((await Array.fromAsync(Deno.readDir(join(root, ".prepared")))).length, 0);
  };
  await Deno.mkdir(join(root, ".prepared"));
  const fixture = (name: string) => Deno.readFileSync(join(FIXTURES, name));
  const npz = (arrays: Parameters<typeof encodeNpz>[0]) => encodeNpz(arrays);
  await refuses("a", new Uint8Array(), "cannot tell what");
  await refuses("a.txt", new TextEncoder().encode("hello"), "cannot tell what");
  await refuses("a.npz", fixture("guided.npz").subarray(0, 300), "a.npz: cannot read .npz");
  await refuses("b.npz", npz({ pictures: uint8(1, 2, 2, 3) }), "it must hold an array named images, x_train");
  await refuses(
    "c.npz",
    npz({ x: uint8(1, 3, 4, 4) }),
    "x must be uint8 of shape (N, H, W) or (N, H, W, 1 or 3), received",
  );
  await refuses("d.npz", npz({ x: uint8(0, 4, 4) }), "received uint8 of (0, 4, 4)");
  await refuses("e.npz", npz({ x: uint8(2, 4, 4), y: uint8(3) }), "one label for each of 2 images, received 3");
  const float = { dtype: "float32", shape: [1], data: new Float32Array(1) } as const;
  await refuses("f.npz", npz({ x: uint8(1, 4, 4), y: float }), "integers of shape (N), received float32 of (1)");
  const negative = { dtype: "int64", shape: [1], data: BigInt64Array.of(-1n) } as const;
  await refuses("g.npz", npz({ x: uint8(1, 4, 4), y: negative }), "received -1 for image 0");
  await refuses("h.gz", fixture("few-images-idx3-ubyte.gz").subarray(0, 100), "its gzip data is damaged");
  await refuses("i", fixture("few-images-idx3-ubyte").subarray(0, 50), "takes 120 bytes, the file has 34");
  await refuses("few-labels.gz", fixture("few-labels-idx1-ubyte.gz"), "it holds labels: name the file of images");
  await refuses("test_batch.bin", new Uint8Array(3074), "it must hold rows of 3073 bytes, received 3074 bytes");
  await refuses("data_batch_1.bin", new Uint8Array(3073).fill(10, 0, 1), "image 0 is of class 10, of 10");
  await assertRejects(() => openDataset(join(root, "none"), { root }), DatasetError, "there is no ");
  await assertRejects(
    () => openDataset("mnist", { root, size: 0 }),
    RangeError,
    "size must be an integer in [1, 4096]",
  );
});
