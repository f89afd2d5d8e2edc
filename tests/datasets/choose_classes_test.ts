import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { chooseClasses, createDataset, DatasetError, type DatasetParts } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open.ts";
import { writingTest } from "../model/temporary_folder.ts";

const parts: DatasetParts = {
  name: "six",
  count: 6,
  height: 1,
  width: 1,
  channels: 1,
  images: Uint8Array.of(10, 20, 30, 40, 50, 60),
  labels: Int32Array.of(2, 0, 1, 2, 1, 0),
  classNames: ["a", "b", "c"],
  fingerprint: "sha256-x",
};

const contentsOf = (some: DatasetParts) => {
  using dataset = createDataset(some);
  const pixel = new Uint8Array(1);
  return Array.from({ length: dataset.count }, (_, i) => {
    dataset.read(i, pixel);
    return [pixel[0], dataset.classNames![dataset.labels![i]]];
  });
};

writingTest("chooseClasses keeps the images of some classes, in memory or in a file", async (folder) => {
  const path = join(folder, "images");
  await Deno.writeFile(path, parts.images as Uint8Array);
  for (const images of [parts.images, { path }]) {
    const chosen = chooseClasses({ ...parts, images }, ["c", "b"]);
    assertEquals(contentsOf(chosen), [[10, "c"], [30, "b"], [40, "c"], [50, "b"]]);
    assertEquals([chosen.classNames, chosen.fingerprint], [["b", "c"], 'sha256-x ["b","c"]']);
    assertEquals(contentsOf(chooseClasses(chosen, ["b"])), [[30, "b"], [50, "b"]]);
  }
});

Deno.test("chooseClasses names a class that is not there, and a dataset without classes", () => {
  assertThrows(
    () => chooseClasses(parts, ["a", "d"]),
    DatasetError,
    'classes must be of six\'s "a", "b", "c", received "d"',
  );
  assertThrows(
    () => chooseClasses({ ...parts, labels: null, classNames: null }, ["a"]),
    DatasetError,
    "classes must be left out with six, which has none",
  );
});

Deno.test("openDataset opens some classes of mnist alone", async () => {
  using dataset = await openDataset("mnist-test", { classes: ["7", "1"] });
  assertEquals([dataset.count, dataset.classNames], [1135 + 1028, ["1", "7"]]);
  // 7 2 1 0 4 1 4 9 5 9 0 6 9 0 1 5 9 7
  assertEquals([...dataset.labels!.subarray(0, 5)], [1, 0, 0, 0, 1]);
});
