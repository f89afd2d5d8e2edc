import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { DatasetError } from "../../datasets/dataset.ts";
import { padImages } from "../../datasets/mnist.ts";
import { openDataset } from "../../datasets/open.ts";

Deno.test("padImages lays each image on a black one with the padding on every side", () => {
  const padded = padImages(Uint8Array.of(1, 2, 3, 4), { height: 1, width: 2, padding: 1 });
  assertEquals([...padded], [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0]);
});

Deno.test("openDataset mnist-test has the 10,000 digits of MNIST's test set, padded to 32×32", async () => {
  const { name, images, count, height, width, channels, labels, classNames } = await openDataset("mnist-test");
  assertEquals([name, count, height, width, channels], ["mnist-test", 10000, 32, 32, 1]);
  assert(images instanceof Uint8Array);
  assertEquals(images.length, 10000 * 32 * 32);
  assertEquals(classNames, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assertEquals([...labels!.subarray(0, 10)], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  const counts = Array.from({ length: 10 }, (_, digit) => labels!.filter((label) => label === digit).length);
  assertEquals(counts, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);

  const border = (i: number) => {
    const [y, x] = [Math.floor(i / 32) % 32, i % 32];
    return y < 2 || y >= 30 || x < 2 || x >= 30;
  };
  assert(images.every((byte, i) => byte === 0 || !border(i)), "the padding is black");
  const mean = images.reduce((sum, byte) => sum + byte, 0) / (10000 * 28 * 28);
  assertGreater(mean, 33.7);
  assert(mean < 33.9, `the mean of the test set is 33.79, received ${mean}`);
});

Deno.test("openDataset mnist has 60,000 digits, the first of them a five", async () => {
  const { count, labels, images } = await openDataset("mnist");
  assert(images instanceof Uint8Array);
  assertEquals([count, images.length, labels!.length], [60000, 60000 * 1024, 60000]);
  assertEquals([...labels!.subarray(0, 5)], [5, 0, 4, 1, 9]);
});

Deno.test("openDataset names the datasets there are when asked for another", async () => {
  await assertRejects(
    () => openDataset("cats"),
    DatasetError,
    "cats",
  );
});
