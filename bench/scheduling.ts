/**
 * What the scheduler and HTTP cost beside the network, and how long a short request takes behind long ones. Prints one
 * JSON line for each size of a call and each way of asking, and one for the latencies.
 *
 *     deno task bench scheduling [ENGINE] [MODEL] [ROWS,…]
 *
 * MODEL is a folder, or cifar10 for the U-Net of the paper's CIFAR-10 run (35.7M parameters), untrained. Where ROWS are
 * given, only those sizes are measured, and no latencies.
 */
import { fillNormal } from "../core/noise.ts";
import type { EngineName } from "../engine/mod.ts";
import { openServing } from "../serving/client.ts";
import { median } from "./median.ts";
import { writeCifar10Model } from "./network/cifar10_model.ts";
import { byHttp, byWorker, measureBehind, measureOutside } from "./scheduling/measures.ts";

const [engine = "auto", model = "models/digits", sizes] = Deno.args.slice(1) as [(EngineName | "auto")?, ...string[]];
const SIZES = sizes?.split(",").map(Number) ?? [1, 2, 4, 8, 16];
const MADE = "runs/bench-cifar10";

const folder = model === "cifar10" ? (await writeCifar10Model(MADE)).folder : model;
const serving = await openServing({ models: [folder], engine });
if (folder === MADE) await Deno.remove(MADE, { recursive: true });
const [info] = serving.models;
const about = { bench: "scheduling", engine: info.engine.name, model: info.name };
const print = (values: object) =>
  console.log(JSON.stringify(
    { ...about, ...values },
    (_, value) => typeof value === "number" ? Number(value.toFixed(3)) : value,
  ));

/** Milliseconds that the noise of one row of one step takes. */
const noise = median(Array.from({ length: 200 }, (_, step) => {
  const values = new Float32Array(info.height * info.width * info.channels);
  const started = performance.now();
  for (let i = 0; i < 10; i++) fillNormal(values, { seed: 1, sample: i, step });
  return (performance.now() - started) / 10;
}));

// What the engine compiles while it has nothing to do had better not be measured.
await new Promise((resume) => setTimeout(resume, 3000));

for (const open of [byWorker, byHttp]) {
  const way = open(serving);
  for (const rows of SIZES) {
    const { steps, milliseconds, percent, percentInSteps } = await measureOutside(serving, way, rows);
    print({
      by: way.name,
      rows,
      steps,
      millisecondsAStep: milliseconds,
      percentOutsideTheNetwork: percent,
      percentOfThatInSteps: percentInSteps,
      percentNoise: 100 * noise * rows / milliseconds,
    });
  }
  await way.close();
}
if (sizes === undefined) print(await measureBehind(serving));
await serving.close();
