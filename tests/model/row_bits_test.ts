import { assert, assertEquals } from "@std/assert";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { assertWithin, columnOf } from "../engine/assert_within.ts";
import { whyNot } from "../engine/why_not.ts";
import { evaluateRows, MODELS, randomRow } from "./rows.ts";

for (const engine of ["wasm", "onnx", "tensorflow", "webgpu-software"] as const) {
  const reason = whyNot(engine);
  // A graphics card in software takes seconds for 16 rows.
  const most = engine === "webgpu-software" ? 4 : 16;
  for (const [name, open] of Object.entries(MODELS)) {
    const title = `U-Net ${name} on ${engine}: a row has the same bits alone, at any position, with any neighbours`;
    Deno.test(`${title}, in 1 to ${most} rows ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      const denoiser = createDenoiser(await openEngine(engine), await open());
      const subject = randomRow(denoiser, 1);
      const [alone] = evaluateRows(denoiser, [subject]);
      assert(alone.every(Number.isFinite) && new Set(alone).size > alone.length / 2);
      assertEquals(evaluateRows(denoiser, [subject])[0], alone, "twice alone");
      for (const count of [2, 3, 4, 8, 16].filter((count) => count <= most)) {
        for (const position of new Set([0, 1, count >> 1, count - 1])) {
          // Neighbours of their own kind, and of a size that would show in any shared sum.
          for (const scale of [1, 1e4]) {
            const rows = Array.from(
              { length: count },
              (_, i) => i === position ? subject : randomRow(denoiser, 50 + i, scale),
            );
            const out = evaluateRows(denoiser, rows)[position];
            const different = out.filter((value, i) => !Object.is(value, alone[i])).length;
            const kind = { suite: "a row among others", quantity: "values of other bits", engine: columnOf(engine) };
            assertWithin(different, 1, kind, `of ${out.length}: row ${position} of ${count}, scale ${scale}`);
          }
        }
      }
      assertEquals(evaluateRows(denoiser, Array(5).fill(subject)), Array(5).fill(alone), "beside itself");
      denoiser.dispose();
    });
  }
}
