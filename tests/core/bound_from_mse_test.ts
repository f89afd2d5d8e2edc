import { assertAlmostEquals, assertThrows } from "@std/assert";
import { decoderBits } from "../../core/mod.ts";

Deno.test("decoderBits is what scipy integrates over a normal error", () => {
  // quad of −log2 of scipy.stats.norm's mass in the bin, over norm.pdf(z) with an error of √mse·z; with open bins for
  // edgeShare, the others of width 2/255.
  for (
    const [mse, logVariance, edgeShare, expected] of [
      [1e-4, -9, 0, 2.418551474723327],
      [1e-4, -9, 0.8, 1.2536613273777852],
      [4e-6, -9.8, 0.25, 1.1576409069562608],
    ]
  ) {
    assertAlmostEquals(decoderBits(mse, { logVariance, edgeShare }), expected, 1e-7);
  }
});

Deno.test("decoderBits refuses what is no error and no share", () => {
  assertThrows(() => decoderBits(-1, { logVariance: 0, edgeShare: 0 }), RangeError, "mse must be");
  assertThrows(() => decoderBits(1, { logVariance: 0, edgeShare: 2 }), RangeError, "edgeShare must be");
});
