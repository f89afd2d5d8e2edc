import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { createDataset, type DatasetParts, partsOf } from "../../datasets/dataset.ts";
import { writingTest } from "../model/temporary_folder.ts";
import { bytesOf } from "./fixtures.ts";

const parts: DatasetParts = {
  name: "four",
  count: 4,
  height: 2,
  width: 1,
  channels: 3,
  images: Uint8Array.from({ length: 24 }, (_, i) => 10 * i),
  labels: Int32Array.of(0, 1, 1, 0),
  classNames: ["a", "b"],
};

Deno.test("createDataset reads image by image, to any place", () => {
  using dataset = createDataset(parts);
  const into = new Uint8Array(8);
  dataset.read(2, into, 1);
  assertEquals([...into], [0, 120, 130, 140, 150, 160, 170, 0]);
});

Deno.test("createDataset refuses images that are not there, places without room, and images that do not fit", () => {
  using dataset = createDataset(parts);
  const into = new Uint8Array(6);
  assertThrows(() => dataset.read(4, into), RangeError, "index must be an integer in [0, 3], received 4");
  assertThrows(() => dataset.read(-1, into), RangeError, "received -1");
  assertThrows(() => dataset.read(0.5, into), RangeError, "received 0.5");
  assertThrows(() => dataset.read(0, into, 1), RangeError, "at must leave room for 6 bytes in 6, received 1");
  assertThrows(() => createDataset({ ...parts, count: 5 }), RangeError, "images must have 5×2×1×3 bytes, received 24");
});

writingTest("createDataset reads from a file what it reads from memory, in any order", async (folder) => {
  const path = join(folder, "images");
  await Deno.writeFile(path, parts.images as Uint8Array);
  using memory = createDataset(parts);
  using file = createDataset({ ...parts, images: { path } });
  assertEquals(bytesOf(file), bytesOf(memory));
  const into = new Uint8Array(6);
  for (const index of [3, 0, 3, 1]) {
    file.read(index, into);
    assertEquals([...into], [...(parts.images as Uint8Array).subarray(index * 6, index * 6 + 6)]);
  }
  await Deno.truncate(path, 20);
  assertThrows(() => file.read(3, into), Error, "it has become shorter");
});

Deno.test("partsOf can be sent to another thread, which reads the same bytes without a copy", async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(24));
  shared.set(parts.images as Uint8Array);
  using dataset = createDataset({ ...parts, images: shared });
  const source = `
    import { createDataset } from "${import.meta.resolve("../../datasets/dataset.ts")}";
    self.onmessage = ({ data }) => {
      const into = new Uint8Array(6);
      createDataset(data).read(3, into);
      data.images[0] = 99;
      self.postMessage(into);
    };`;
  const url = `data:application/javascript,${encodeURIComponent(source)}`;
  const worker = new Worker(url, { type: "module" });
  try {
    const answer = Promise.withResolvers<Uint8Array>();
    worker.onmessage = ({ data }) => answer.resolve(data);
    worker.onerror = (event) => answer.reject(new Error(event.message));
    worker.postMessage(partsOf(dataset));
    assertEquals([...await answer.promise], [180, 190, 200, 210, 220, 230]);
    assertEquals(shared[0], 99);
  } finally {
    worker.terminate();
  }
});
