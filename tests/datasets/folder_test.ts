import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { DataEvent } from "../../datasets/cache.ts";
import { DatasetError } from "../../datasets/dataset.ts";
import { decodeInParallel } from "../../datasets/decode_pool.ts";
import { openDataset } from "../../datasets/open.ts";
import { coverBytes } from "../../formats/cover.ts";
import { decodeNpz } from "../../formats/npz.ts";
import { encodePng } from "../../formats/png.ts";
import { oddPicture, oddPictures } from "../formats/odd_pictures.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { bytesOf, expected, FIXTURES, namesIn } from "./fixtures.ts";

const PICTURES = join(FIXTURES, "pictures");

const READ = "PNG, JPEG, WebP, BMP, GIF, PNM and TIFF";

const png = (height: number, width: number, pixel: readonly number[]) =>
  encodePng({
    data: Uint8Array.from({ length: height * width * pixel.length }, (_, i) => pixel[i % pixel.length]),
    height,
    width,
    channels: pixel.length,
  });

const write = async (folder: string, files: Record<string, Uint8Array>) => {
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.mkdir(join(folder, name, ".."), { recursive: true });
    await Deno.writeFile(join(folder, name), bytes);
  }
};

writingTest("openDataset cuts and resizes the pictures of a folder as Pillow does, to the byte", async (root) => {
  using dataset = await openDataset(PICTURES, { root, size: 16 });
  assertEquals([dataset.count, dataset.height, dataset.width, dataset.channels], [6, 16, 16, 3]);
  assertEquals(bytesOf(dataset), expected.folder);
});

writingTest(
  "openDataset takes the subfolders for classes, and names, skips and counts what is damaged",
  async (root) => {
    const events: DataEvent[] = [];
    using dataset = await openDataset(PICTURES, { root, size: 16, onProgress: (event) => events.push(event) });
    assertEquals(dataset.classNames, ["cats", "dogs"]);
    assertEquals([...dataset.labels!], [0, 0, 0, 1, 1, 1]);
    const skipped = events.filter(({ event }) => event === "skipped");
    assertEquals(skipped.length, 1);
    assert(skipped[0].event === "skipped");
    assertEquals(skipped[0].file, "dogs/c.png");
    assertEquals(events.filter(({ event }) => event === "preparing").map((event) => "step" in event && event.step), [
      7,
    ]);
    const prepared = events.at(-1)!;
    assert(prepared.event === "prepared");
    assertEquals([prepared.images, prepared.skipped], [6, 1]);
    assertStringIncludes(
      await Deno.readTextFile(join(prepared.folder, "skipped.txt")),
      `dogs/c.png\t${skipped[0].reason}\n`,
    );
  },
);

const others = decodeNpz(Deno.readFileSync(new URL("../fixtures/other_pictures.npz", import.meta.url)));

writingTest("openDataset reads GIF, BMP, TIFF, PPM, PGM and JPEG by their other endings too", async (root) => {
  const folder = join(root, "kinds");
  const fileOf = (name: string) => others[name].data as Uint8Array;
  const files: Record<string, string> = {
    "a.bmp": "bmp/rgb",
    "b.gif": "gif/animated",
    "c.TIF": "tiff/raw",
    "d.tiff": "tiff/tiff_lzw",
    "e.ppm": "pnm/rgb",
    "f.pgm": "pnm/gray",
  };
  const jpeg = await Deno.readFile(join(PICTURES, "dogs/a.jpeg"));
  await write(folder, Object.fromEntries(Object.entries(files).map(([name, from]) => [`x/${name}`, fileOf(from)])));
  await write(folder, { "y/g.jfif": jpeg, "y/h.jpg": jpeg });
  using dataset = await openDataset(folder, { root, size: 13 });
  assertEquals([...dataset.labels!], [0, 0, 0, 0, 0, 0, 1, 1]);
  const bytes = bytesOf(dataset), image = (i: number) => bytes.subarray(i * 507, (i + 1) * 507);
  assertEquals(image(7), image(6));
  // 18 × 13 pixels, of which the middle 13 × 13 are kept: half a pixel from the left edge on.
  for (const same of [2, 3, 4]) assertEquals(image(same), image(0));
  assertNotEquals(image(1), image(0));
  assert(image(5).every((byte, i) => byte === image(5)[i - i % 3]));
});

/** Pictures that are read, to the pixels that Pillow makes of them, and pictures that it refuses, as files of a folder. */
const oddFolder = async (folder: string) => {
  // Kinds of which this program refuses more than Pillow have a test of their own.
  const isBoth = (name: string) => /^(cmyk|webp|jpeg\/(exif|xmp|stray))/.test(name);
  const read = oddPictures("read").filter(isBoth), refused = oddPictures("refused").filter(isBoth);
  const pathOf = (name: string) => `${name.replace("/", "_")}.jpg`;
  for (const kind of ["read", "refused"] as const) {
    for (const name of kind === "read" ? read : refused) {
      await write(folder, { [pathOf(name)]: oddPicture(`${kind}/${name}`).data as Uint8Array });
    }
  }
  const byPath = (a: string, b: string) => pathOf(a) < pathOf(b) ? -1 : 1;
  return { read: read.sort(byPath), refused: refused.map(pathOf).sort() };
};

writingTest("openDataset reads of odd pictures what Pillow reads, and skips what it refuses", async (root) => {
  const folder = join(root, "odd");
  const { read, refused } = await oddFolder(folder);
  assert(read.length > 60 && refused.length > 5);
  using dataset = await openDataset(folder, { root, size: 9 });
  const expected = read.map((name) => {
    const { shape: [height, width], data } = oddPicture(`rgb/${name}`);
    const raster = { height, width, channels: 3, data: data as Uint8Array, orientation: 1 } as const;
    return coverBytes(raster, { height: 9, width: 9, channels: 3 });
  });
  assertEquals(dataset.count, read.length);
  read.forEach((name, i) => {
    assertEquals(bytesOf(dataset).subarray(243 * i, 243 * (i + 1)), Uint8Array.from(expected[i]), name);
  });
  const [cache] = namesIn(join(root, ".prepared"));
  const lines = (await Deno.readTextFile(join(root, ".prepared", cache, "skipped.txt"))).trimEnd().split("\n");
  assertEquals(lines.map((line) => line.split("\t")[0]).sort(), refused);
});

writingTest("openDataset names and counts the files that it does not read, by their endings", async (root) => {
  const folder = join(root, "left");
  const one = png(4, 4, [1, 2, 3]);
  const unread = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`cats/${10 + i}.AVIF`, one]));
  await write(folder, { "cats/a.png": one, "dogs/b.png": one, "dogs/torn.png": new Uint8Array(9), ...unread });
  await write(folder, { "dogs/README": new Uint8Array(1), "labels.csv": one });
  const events: DataEvent[] = [];
  using dataset = await openDataset(folder, { root, onProgress: (event) => events.push(event) });
  assertEquals([dataset.count, dataset.classNames], [2, ["cats", "dogs"]]);
  assertEquals(events.filter(({ event }) => event === "skipped"), [
    { event: "skipped", file: "cats/10.AVIF", reason: ".avif files are not read; there are 12" },
    { event: "skipped", file: "dogs/README", reason: "files without an ending are not read" },
    { event: "skipped", file: "labels.csv", reason: ".csv files are not read" },
    { event: "skipped", file: "dogs/torn.png", reason: `the file is of no known format; ${READ} are read` },
  ]);
  const prepared = events.at(-1)!;
  assert(prepared.event === "prepared");
  assertEquals([prepared.images, prepared.skipped, prepared.skippedBy], [2, 15, {
    "unsupported": 1,
    "unsupported .avif": 12,
    "unsupported without an ending": 1,
    "unsupported .csv": 1,
  }]);
  const lines = (await Deno.readTextFile(join(prepared.folder, "skipped.txt"))).trimEnd().split("\n");
  assertEquals(lines.length, 15);
  assert(lines.includes("cats/21.AVIF\t.avif files are not read"));
});

writingTest("openDataset refuses a class all of whose pictures are not read, as torchvision does", async (root) => {
  const folder = join(root, "lost");
  const one = png(4, 4, [1, 2, 3]);
  await write(folder, { "cats/a.avif": one, "cats/b.heic": one, "dogs/b.png": one, "notes/c.txt": one });
  await assertRejects(
    () => openDataset(folder, { root }),
    DatasetError,
    `${join(folder, "cats")} holds no picture that is read (1 unsupported .avif, 1 unsupported .heic), and would be ` +
      "missing among the classes",
  );
  await Deno.remove(join(folder, "dogs"), { recursive: true });
  await assertRejects(
    () => openDataset(folder, { root }),
    DatasetError,
    "holds no picture: no file in it (1 unsupported .avif, 1 unsupported .heic, 1 unsupported .txt) ends in .png, .jpg",
  );
});

writingTest("openDataset tells ten damaged pictures and lists them all", async (root) => {
  const folder = join(root, "many");
  const broken = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${100 + i}.jpg`, Uint8Array.of(i)]));
  await write(folder, { ...broken, "a.png": png(4, 4, [1, 2, 3]), "empty.webp": new Uint8Array() });
  const events: DataEvent[] = [];
  using dataset = await openDataset(folder, { root, onProgress: (event) => events.push(event) });
  assertEquals([dataset.count, dataset.labels], [1, null]);
  assertEquals(events.filter(({ event }) => event === "skipped").length, 10);
  const prepared = events.at(-1)!;
  assert(prepared.event === "prepared");
  assertEquals(prepared.skipped, 41);
  const lines = (await Deno.readTextFile(join(prepared.folder, "skipped.txt"))).trimEnd().split("\n");
  assertEquals(lines.length, 41);
  assertStringIncludes(lines.at(-1)!, "empty.webp\tthe file is empty");
});

writingTest("openDataset refuses a folder without a usable picture", async (root) => {
  const folder = join(root, "bad");
  await write(folder, { "a.png": new Uint8Array(9), "b.jpg": new Uint8Array(0), "note.txt": new Uint8Array(3) });
  for (const size of [undefined, 8]) {
    await assertRejects(
      () => openDataset(folder, { root, size }),
      DatasetError,
      `holds no picture that can be read; the first of 2, a.png: the file is of no known format; ${READ} are read`,
    );
  }
  await Deno.mkdir(join(root, "none"));
  await assertRejects(() => openDataset(join(root, "none"), { root }), DatasetError, "holds no picture: no file in it");
  assertEquals(namesIn(join(root, ".prepared")), []);
});

writingTest(
  "openDataset needs no size where all pictures are squares of one size, and names it where they are not",
  async (root) => {
    const folder = join(root, "squares");
    await write(folder, { "a.png": png(6, 6, [9, 8, 7]), "b.png": png(6, 6, [1, 2, 3]) });
    {
      using dataset = await openDataset(folder, { root });
      assertEquals([dataset.count, dataset.height, dataset.width], [2, 6, 6]);
      assertEquals([...bytesOf(dataset).subarray(0, 3)], [9, 8, 7]);
    }
    await write(folder, { "c.png": png(6, 5, [1, 2, 3]) });
    await assertRejects(
      () => openDataset(folder, { root }),
      DatasetError,
      "squares needs --size: a.png is 6×6, and c.png is 5×6",
    );
    await write(folder, { "0.png": png(3, 4, [1, 2, 3]) });
    await assertRejects(() => openDataset(folder, { root }), DatasetError, "squares needs --size: 0.png is 4×3");
  },
);

writingTest(
  "openDataset keeps one channel where every picture is gray, however it is stored, and three otherwise",
  async (root) => {
    const folder = join(root, "grays");
    await write(folder, { "a.png": png(4, 4, [50]), "b.png": png(4, 4, [70, 70, 70]), "c.png": png(4, 4, [90, 255]) });
    {
      using dataset = await openDataset(folder, { root });
      assertEquals([dataset.count, dataset.channels], [3, 1]);
      assertEquals([...bytesOf(dataset)], [
        ...new Array(16).fill(50),
        ...new Array(16).fill(70),
        ...new Array(16).fill(90),
      ]);
    }
    await write(folder, { "d.png": png(4, 4, [10, 20, 30]) });
    using dataset = await openDataset(folder, { root });
    assertEquals([dataset.count, dataset.channels], [4, 3]);
    assertEquals([...bytesOf(dataset).subarray(0, 3)], [50, 50, 50]);
  },
);

writingTest(
  "openDataset refuses pictures beside classes, and leaves hidden files and other files alone",
  async (root) => {
    const folder = join(root, "mixed");
    const one = png(4, 4, [1, 2, 3]);
    await write(folder, { "x/a.png": one, ".cache/b.png": one, "x/.c.png": one, "x/notes.txt": one });
    using dataset = await openDataset(folder, { root });
    assertEquals([dataset.count, dataset.classNames], [1, null]);
    await write(folder, { "b.png": one });
    await assertRejects(
      () => openDataset(folder, { root }),
      DatasetError,
      "subfolders are classes, so put every picture",
    );
  },
);

Deno.test("decodeInParallel gives the same whatever the number of threads, in the order of the files", async () => {
  const paths = Array.from(
    { length: 100 },
    (_, i) => join(PICTURES, ["cats/a.png", "dogs/c.png", "dogs/d.webp"][i % 3]),
  );
  const decoded = (workers: number) =>
    Array.fromAsync(decodeInParallel(paths, { size: 8, exact: false, workers }), ({ first, length, answer }) => ({
      first,
      length,
      images: "images" in answer && [...answer.images],
      faults: "faults" in answer && answer.faults,
    }));
  const one = await decoded(1);
  assertEquals(one.map(({ first, length }) => [first, length]), [[0, 32], [32, 32], [64, 32], [96, 4]]);
  assertEquals(await decoded(3), one);
});

Deno.test("decodeInParallel ends when it is called off", async () => {
  const controller = new AbortController();
  const paths = Array.from({ length: 500 }, () => join(PICTURES, "cats/a.png"));
  const decoding = async () => {
    const options = { size: 8, exact: false, workers: 2, signal: controller.signal };
    for await (const _ of decodeInParallel(paths, options)) controller.abort(new Error("enough"));
  };
  await assertRejects(decoding, Error, "enough");
});
