import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { createHash } from "node:crypto";
import { type DataEvent, openCache, writeCache } from "../../datasets/cache.ts";
import { createDataset, DatasetError } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open.ts";
import { arraySource } from "../../datasets/source.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { encodePng } from "../../formats/png.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { bytesOf, namesIn } from "./fixtures.ts";

const count = 600;

const array = {
  count,
  height: 2,
  width: 2,
  channels: 3,
  images: Uint8Array.from({ length: count * 12 }, (_, i) => i % 251),
  labels: Int32Array.from({ length: count }, (_, i) => i % 3),
  classNames: ["a", "b", "c"],
};

const facts = { name: "some", source: "a test", key: "k" };

const writeNpz = async (path: string, value: number) => {
  const data = new Uint8Array(3 * 4 * 4).fill(value);
  await Deno.writeFile(path, encodeNpz({ images: { dtype: "uint8", shape: [3, 4, 4], data } }));
};

writingTest("prepare writes what openCache reads, in memory or by position", async (parent) => {
  const to = { parent, name: "some" };
  await writeCache(to, facts, () => Promise.resolve(arraySource(array)));
  assertEquals(namesIn(parent), ["some"]);
  assertEquals(namesIn(join(parent, "some")), ["dataset.json", "images.u8", "labels.i32"]);
  const small = await openCache(join(parent, "some"));
  const large = await openCache(join(parent, "some"), { mostInMemory: 100 });
  assert(small!.images instanceof Uint8Array && !(large!.images instanceof Uint8Array));
  for (const parts of [small!, large!]) {
    using dataset = createDataset(parts);
    assertEquals(bytesOf(dataset), array.images);
    assertEquals(dataset.labels, array.labels);
    assertEquals(dataset.classNames, array.classNames);
  }
});

writingTest("openDataset prepares once, and anew when its source has changed", async (root) => {
  const path = join(root, "x.npz");
  const prepared = async () => {
    const events: DataEvent[] = [];
    using dataset = await openDataset(path, { root, onProgress: (event) => events.push(event) });
    return { times: events.filter(({ event }) => event === "prepared").length, dataset };
  };
  await writeNpz(path, 1);
  const first = await prepared(), second = await prepared();
  assertEquals([first.times, second.times], [1, 0]);
  assertEquals(first.dataset.fingerprint, second.dataset.fingerprint);
  await writeNpz(path, 2);
  await Deno.utime(path, 1, 1);
  const third = await prepared();
  assertEquals(third.times, 1);
  assertNotEquals(third.dataset.fingerprint, first.dataset.fingerprint);
  await Deno.utime(path, 2, 2);
  assertEquals((await prepared()).dataset.fingerprint, third.dataset.fingerprint);
});

writingTest("openDataset tells files of one name, size and time from each other", async (root) => {
  const pixelsOf = async (path: string) => {
    using dataset = await openDataset(path, { root });
    return [bytesOf(dataset)[0], ...dataset.labels ?? [], ...dataset.classNames ?? []];
  };
  const files: Record<string, (value: number) => Record<string, Uint8Array>> = {
    "images.npz": (value) => {
      const data = new Uint8Array(3 * 4 * 4).fill(value);
      return { "images.npz": encodeNpz({ images: { dtype: "uint8", shape: [3, 4, 4], data } }) };
    },
    "t10k-images-idx3-ubyte": (value) => ({
      "t10k-images-idx3-ubyte": Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, value),
      "t10k-labels-idx1-ubyte": Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 1),
    }),
    "test_batch.bin": (value) => ({ "test_batch.bin": new Uint8Array(3073).fill(value, 1) }),
    "pictures": (value) => ({
      "pictures/a.png": encodePng({ data: new Uint8Array(16).fill(value), height: 4, width: 4, channels: 1 }),
    }),
  };
  for (const [path, make] of Object.entries(files)) {
    for (const value of [7, 9]) {
      for (const [name, bytes] of Object.entries(make(value))) {
        const file = join(root, `set${value}`, name);
        await Deno.mkdir(join(file, ".."), { recursive: true });
        await Deno.writeFile(file, bytes);
        await Deno.utime(file, 1, 1);
      }
    }
    const sizes = [7, 9].map((value) => Object.values(make(value)).map(({ length }) => length));
    assertEquals(sizes[0], sizes[1], path);
    for (const value of [7, 9, 7]) assertEquals((await pixelsOf(join(root, `set${value}`, path)))[0], value, path);
  }

  // Labels alone that differ, and the names of classes.
  const labels = join(root, "set7", "t10k-labels-idx1-ubyte");
  await Deno.writeFile(labels, Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 0));
  await Deno.utime(labels, 1, 1);
  assertEquals(await pixelsOf(join(root, "set7", "t10k-images-idx3-ubyte")), [7, 0, "0"]);
  await Deno.writeTextFile(join(root, "set7", "batches.meta.txt"), "plane\n");
  assertEquals(await pixelsOf(join(root, "set7", "test_batch.bin")), [7, 0, "plane"]);

  // A file that is replaced by another of its name, size and time; the time of the change is known to the second.
  for (const path of ["images.npz", "pictures/a.png"]) {
    const changed = async () => (await Deno.stat(join(root, "set7", path))).ctime!.getTime();
    for (const before = await changed(); await changed() === before;) {
      await new Promise((resume) => setTimeout(resume, 50));
      await Deno.copyFile(join(root, "set9", path), join(root, "set7", path));
      await Deno.utime(join(root, "set7", path), 1, 1);
    }
  }
  assertEquals(await pixelsOf(join(root, "set7", "images.npz")), [9]);
  assertEquals(await pixelsOf(join(root, "set7", "pictures")), [9]);
});

writingTest("openDataset prepares a file once, wherever it lies, and a cache of an older key anew", async (root) => {
  const prepared = join(root, ".prepared");
  await writeNpz(join(root, "x.npz"), 7);
  await Deno.utime(join(root, "x.npz"), 1, 1);
  const { size } = await Deno.stat(join(root, "x.npz"));
  // What versions before asked for: the name, the size and the time.
  const hash = createHash("sha256").update(JSON.stringify([1, "npz", null]));
  const key = hash.update(JSON.stringify(["x.npz", size, 1000])).digest("hex");
  const old = { name: `x-${key.slice(0, 12)}`, source: "x.npz", key };
  await writeCache({ parent: prepared, name: old.name }, old, () => Promise.resolve(arraySource(array)));
  {
    using dataset = await openDataset(join(root, "x.npz"), { root });
    assertEquals([dataset.count, bytesOf(dataset)[0]], [3, 7]);
  }
  assertEquals(namesIn(prepared).length, 2);
  await Deno.mkdir(join(root, "moved"));
  await Deno.rename(join(root, "x.npz"), join(root, "moved", "x.npz"));
  using dataset = await openDataset(join(root, "moved", "x.npz"), { root });
  assertEquals([dataset.count, namesIn(prepared).length], [3, 2]);
});

writingTest("openDataset opens a cache by its folder or its name, and tells a damaged one", async (root) => {
  const path = join(root, "x.npz");
  await writeNpz(path, 7);
  using dataset = await openDataset(path, { root });
  const [name] = namesIn(join(root, ".prepared"));
  const folder = join(root, ".prepared", name);
  for (const where of [folder, name]) {
    using again = await openDataset(where, { root });
    assertEquals(bytesOf(again), bytesOf(dataset));
  }
  await assertRejects(() => openDataset(folder, { root, size: 8 }), DatasetError, "is prepared already, at 4×4");
  await Deno.truncate(join(folder, "images.u8"), 40);
  await assertRejects(() => openDataset(folder, { root }), DatasetError, "is a damaged cache");
  using healed = await openDataset(path, { root });
  assertEquals(bytesOf(healed), bytesOf(dataset));
});

writingTest("prepare leaves nothing when it is called off or fails, and what was there stays", async (parent) => {
  const to = { parent, name: "some" };
  const controller = new AbortController();
  const onProgress = ({ event }: DataEvent) => event === "preparing" && controller.abort(new Error("called off"));
  const open = () => Promise.resolve(arraySource(array));
  await assertRejects(
    () => writeCache(to, facts, open, { signal: controller.signal, onProgress }),
    Error,
    "called off",
  );
  assertEquals(namesIn(parent), []);

  const before = await writeCache(to, facts, open);
  const failing = () =>
    Promise.resolve({
      ...arraySource(array),
      pieces: async function* () {
        yield* arraySource({ ...array, count: 3, images: array.images.subarray(0, 36) }).pieces();
        throw new Error("the disk broke");
      },
    });
  await assertRejects(() => writeCache(to, { ...facts, key: "l" }, failing), Error, "the disk broke");
  assertEquals(namesIn(parent), ["some"]);
  assertEquals(createDataset((await openCache(join(parent, "some")))!).fingerprint, before.fingerprint);
});

writingTest("prepare by several at once ends with one whole cache", async (parent) => {
  const to = { parent, name: "some" };
  const open = () => Promise.resolve(arraySource(array));
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 8 }, () => writeCache(to, facts, open)));
    assertEquals(namesIn(parent), ["some"]);
    assertEquals((await openCache(join(parent, "some")))?.count, count);
    await Deno.remove(join(parent, "some"), { recursive: true });
  }
});

writingTest("prepare removes what a killed process left, and not what another one is making", async (parent) => {
  const [dead, alive] = [join(parent, ".partial-dead"), join(parent, ".partial-alive")];
  for (const folder of [dead, alive]) {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "lock"), "");
    await Deno.utime(folder, 1, 1);
  }
  using lock = await Deno.open(join(alive, "lock"), { write: true });
  await lock.lock(true);
  await writeCache({ parent, name: "some" }, facts, () => Promise.resolve(arraySource(array)));
  assertEquals(namesIn(parent), [".partial-alive", "some"]);
});
