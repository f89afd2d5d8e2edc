import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type DataEvent, openCache, writeCache } from "../../datasets/cache.ts";
import { createDataset, DatasetError } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open.ts";
import { arraySource } from "../../datasets/source.ts";
import { encodeNpz } from "../../formats/npz.ts";
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
