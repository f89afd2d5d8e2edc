import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { createDataset } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open.ts";
import { openEngine } from "../../engine/mod.ts";
import { openExtractor } from "../../evaluation/quality/open_extractor.ts";
import { measureAccuracy } from "../../evaluation/quality/train_classifier.ts";
import { python, whyNoPython } from "../model/python.ts";

const FOLDER = "models/digits-classifier";

Deno.test("models/digits-classifier is below 1 MB", async () => {
  assertLess((await Deno.stat(`${FOLDER}/model.safetensors`)).size, 1_000_000);
});

Deno.test("models/digits-classifier knows 99 of 100 digits that it was not trained on", async () => {
  await openEngine("wasm");
  const test = await openDataset("mnist-test");
  // The first half of MNIST's test images is the easier one; these are of both.
  const count = 1000, size = test.height * test.width, images = new Uint8Array(count * size);
  const labels = Uint8Array.from({ length: count }, (_, i) => test.labels![i * 10]);
  for (let i = 0; i < count; i++) test.read(i * 10, images, i * size);
  using some = createDataset({ ...test, count, images, labels });
  using extractor = await openExtractor(FOLDER);
  assertGreaterOrEqual(await measureAccuracy(extractor, some), 0.99);
});

/** The network in PyTorch: images as bytes on standard input, features and logits as float32 on standard output. */
const PYTORCH = `
import sys, numpy as np, torch
from safetensors.torch import load_file
from torch.nn.functional import conv2d, linear, silu
w = load_file("${FOLDER}/model.safetensors")
x = torch.from_numpy(np.frombuffer(sys.stdin.buffer.read(), np.uint8).copy()).reshape(-1, 1, 32, 32) / 127.5 - 1
def conv(x, name, stride=1):
    return silu(conv2d(x, w[name + ".weight"], w[name + ".bias"], stride=stride, padding=1))
x = conv(x, "stem")
for i in range(3):
    x = conv(conv(x, f"levels.{i}.down", 2), f"levels.{i}.conv")
# The features are of the values in the order height, width, channels.
features = silu(linear(x.permute(0, 2, 3, 1).flatten(1), w["features.weight"], w["features.bias"]))
logits = linear(features, w["classes.weight"], w["classes.bias"])
sys.stdout.buffer.write(torch.cat([features.flatten(), logits.flatten()]).numpy().tobytes())
`;

const reason = await whyNoPython("torch", "safetensors.torch", "numpy");
Deno.test({
  name: `models/digits-classifier has in PyTorch the features and logits that it has here ${reason}`.trimEnd(),
  ignore: reason !== "",
  fn: async () => {
    await openEngine("wasm");
    const test = await openDataset("mnist-test");
    const n = 5, data = new Uint8Array(n * 32 * 32);
    for (let i = 0; i < n; i++) test.read(i, data, i * 32 * 32);
    using extractor = await openExtractor(FOLDER);
    const features = extractor.extract({ data, height: 32, width: 32, channels: 1 });
    const found = [...features, ...extractor.classify(features)];
    const expected = new Float32Array((await python(PYTORCH, { input: data })).buffer);
    assertEquals(found.length, expected.length);
    assert(expected.some((value) => Math.abs(value) > 1), "there is something to agree on");
    const most = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    assertLess(most, 1e-4);
    // Gray images as RGB, as sample writes them into an .npz, are the same images.
    const colour = Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)]);
    assertEquals(extractor.extract({ data: colour, height: 32, width: 32, channels: 3 }), features);
  },
});
