import { assert, assertEquals } from "@std/assert";
import { uniform } from "../../core/mod.ts";
import { openOnnx } from "../../engine/onnx/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { whyNot } from "../engine/why_not.ts";
import { evaluateRows, MODELS, randomRow } from "./rows.ts";

const THREADS = [1, 2, 4];
const MOST = 64;

for (const [name, open] of Object.entries(MODELS)) {
  const reason = whyNot("onnx");
  const title = `U-Net ${name} on onnx: a row has the same bits in every batch of 1 to ${MOST}, by ${THREADS} threads`;
  Deno.test(`${title} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    const pipeline = await open();
    let alone: Float32Array | undefined;
    for (const threads of THREADS) {
      const denoiser = createDenoiser(await openOnnx({ threads }), pipeline);
      const subject = randomRow(denoiser, 1);
      alone ??= evaluateRows(denoiser, [subject])[0];
      assert(alone.every(Number.isFinite) && new Set(alone).size > alone.length / 2);
      // Neighbours of their own kind, and of a size that would show in any shared sum.
      const neighbours = Array.from({ length: MOST }, (_, i) => randomRow(denoiser, 50 + i, i % 2 === 0 ? 1 : 1e4));
      for (let count = 1; count <= MOST; count++) {
        const position = Math.floor(uniform(threads, 0, count, 0, 0) * count);
        const from = Math.floor(uniform(threads, 0, count, 1, 0) * MOST);
        const rows = Array.from({ length: count }, (_, i) => neighbours[(from + i) % MOST]).with(position, subject);
        const out = evaluateRows(denoiser, rows)[position];
        const different = out.filter((value, i) => !Object.is(value, alone![i])).length;
        assertEquals(different, 0, `of ${out.length}: row ${position} of ${count}, ${threads} threads`);
      }
      denoiser.dispose();
    }
  });
}
