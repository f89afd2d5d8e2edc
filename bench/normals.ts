/**
 * Normals per second on one core: `fillNormal` of core, beside the Box–Muller transform of the same Philox words with
 * Math.log, cos and sin. Prints one JSON line.
 *
 *     deno task bench normals
 */
import { fillNormal, philox4x32 } from "../core/noise.ts";

/** One CIFAR-10 image. */
const LENGTH = 3072;
const FILLS = 2000;
const RUNS = 15;

const words = new Int32Array(4);

const boxMuller = (out: Float32Array, step: number): void => {
  for (let i = 0; i < out.length; i += 4) {
    philox4x32(words, i >>> 2, step, 0, 0, 1, 0);
    for (let j = 0; j < 4; j += 2) {
      const radius = Math.sqrt(-2 * Math.log(((words[j] >>> 0) + 0.5) / 4294967296));
      const angle = words[j + 1] * (Math.PI / 2147483648);
      out[i + j] = radius * Math.cos(angle);
      out[i + j + 1] = radius * Math.sin(angle);
    }
  }
};

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];

const perSecond = (fill: (out: Float32Array, step: number) => void): number => {
  const out = new Float32Array(LENGTH);
  const rates = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    for (let step = 0; step < FILLS; step++) fill(out, step);
    if (run > 0) rates.push(LENGTH * FILLS / (performance.now() - start) * 1000);
  }
  return Math.round(median(rates));
};

console.log(JSON.stringify({
  bench: "normals",
  unit: "normals per second, one core, median",
  runs: RUNS,
  fillNormal: perSecond((out, step) => fillNormal(out, { seed: 1, sample: 0, step })),
  boxMuller: perSecond(boxMuller),
}));
