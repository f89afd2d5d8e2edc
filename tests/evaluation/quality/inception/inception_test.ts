import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { openEngine } from "../../../../engine/mod.ts";
import { ExtractorError } from "../../../../evaluation/error.ts";
import { inceptionTensors } from "../../../../evaluation/quality/inception/architecture.ts";
import { createInceptionExtractor, readInception } from "../../../../evaluation/quality/inception/inception.ts";
import { RESIZE_METHODS, resizeForInception } from "../../../../evaluation/quality/inception/resize.ts";
import { decodeNpz } from "../../../../formats/npz.ts";
import { whyNot } from "../../../engine/why_not.ts";
import { formulaImage, formulaWeights } from "./formula.ts";

const arrays = decodeNpz(
  Deno.readFileSync(fromFileUrl(new URL("../../../fixtures/evaluation/inception.npz", import.meta.url))),
);

const weights = { tensors: formulaWeights(), digest: "" };

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  assertEquals(a.length, b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
};

for (const engine of ["onnx", "tensorflow", "wasm"] as const) {
  const reason = whyNot(engine);
  Deno.test({
    name: `InceptionV3 has torch-fidelity's features and unbiased logits to 1e-4: ${engine} ${reason}`.trimEnd(),
    ignore: reason !== "",
    fn: async () => {
      await openEngine(engine);
      using extractor = createInceptionExtractor(weights, { resize: "tensorflow" });
      const data = new Uint8Array(2 * 20 * 32 * 3);
      for (let i = 0; i < 2; i++) data.set(formulaImage(1000 + i, 20, 32), i * 20 * 32 * 3);
      const features = extractor.extract({ data, height: 20, width: 32, channels: 3 });
      assertAlmostEquals(largestDifference(features, arrays.features.data as Float32Array), 0, 1e-4);
      assertAlmostEquals(largestDifference(extractor.classify(features), arrays.logits.data as Float32Array), 0, 1e-4);
    },
  });
}

for (const method of RESIZE_METHODS) {
  Deno.test(`resizeForInception is the peer's, larger and smaller: ${method}`, () => {
    for (const [name, stream, height, width] of [["small", 2000, 20, 32], ["large", 2001, 400, 310]] as const) {
      const out = new Float32Array(299 * 299 * 3);
      resizeForInception(formulaImage(stream, height, width), { height, width }, method, out);
      const { data, shape: [rows, columns] } = arrays[`${method}_${name}`];
      for (let y = 0, at = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          for (let c = 0; c < 3; c++) {
            // PyTorch's places are float32: 1.5e-5 of a pixel off at 400, along both sides, times up to 255.
            assertAlmostEquals(out[(13 * y * 299 + 11 * x) * 3 + c], Number(data[at++]), 8e-3, `${name} ${y} ${x}`);
          }
        }
      }
    }
  });
}

Deno.test("InceptionV3 has 94 convolutions, and the 23,850,960 numbers of the commonly used file", () => {
  const tensors = inceptionTensors();
  assertEquals(tensors.length, 94 * 5 + 2);
  const numbers = tensors.filter(({ name }) => !/running/.test(name))
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
  assertEquals(numbers, 23_850_960);
});

Deno.test("readInception says what is wrong with a file, and which script makes one", async () => {
  await assertRejects(() => readInception("tests/none.safetensors"), ExtractorError, "scripts/convert_inception.py");
  await assertRejects(
    () => readInception("models/digits/unet/diffusion_pytorch_model.safetensors"),
    ExtractorError,
    "tensor Conv2d_1a_3x3.conv.weight is missing",
  );
  await assertRejects(() => readInception("deno.json"), ExtractorError, "Cannot read deno.json");
});

Deno.test("InceptionV3 refuses images of two channels", async () => {
  await openEngine("wasm");
  using extractor = createInceptionExtractor(weights, { resize: "clean" });
  assertThrows(
    () => extractor.check({ height: 8, width: 8, channels: 2 }),
    ExtractorError,
    "takes images of 1 or 3 channels, received 2",
  );
});
