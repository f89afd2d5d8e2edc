/**
 * XLA beside TensorFlow's own kernels, compiled to one function either way: the time of a step, of the first call of a
 * shape, and of that call in a second process, which finds it compiled. Each in a process of its own.
 *
 *     deno run -A bench/main.ts xla [MODEL]
 */
import { fillNormal } from "../core/mod.ts";
import { openEngine } from "../engine/mod.ts";
import { createDenoiser } from "../model/denoiser.ts";
import { loadPipeline } from "../model/pipeline.ts";
import { median } from "./median.ts";

const ROWS = [1, 4];
const STEPS = 7;

const measure = async (folder: string, xla: "on" | "off") => {
  const engine = await openEngine("tensorflow", { xla });
  const { evaluate, numClasses, height, width, channels } = createDenoiser(engine, await loadPipeline(folder));
  return ROWS.map((rows) => {
    const x = new Float32Array(rows * height * width * channels);
    fillNormal(x, { seed: 1, sample: 0, step: 0 });
    const times = Array.from({ length: 1 + STEPS }, () => {
      const started = performance.now();
      evaluate(x, new Int32Array(rows).fill(500), numClasses === null ? null : new Int32Array(rows));
      return performance.now() - started;
    });
    return { rows, first: times[0], step: median(times.slice(1)) };
  });
};

const [, folder = "models/digits", xla] = Deno.args;
if (xla === "on" || xla === "off") console.log(JSON.stringify(await measure(folder, xla)));
else {
  const cache = Deno.makeTempDirSync();
  for (const [name, choice] of [["TensorFlow", "off"], ["XLA", "on"], ["XLA, again", "on"]]) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--allow-read=.", "--allow-ffi=.tensorflow", "--allow-env", "bench/main.ts", "xla"]
        .concat(folder, choice),
      env: { TF_XLA_FLAGS: `--tf_xla_persistent_cache_directory=${cache}` },
      stderr: "null",
    });
    const { success, stdout } = await child.output();
    if (!success) throw new Error(`Cannot measure ${name}`);
    for (const { rows, first, step } of JSON.parse(new TextDecoder().decode(stdout))) {
      console.log(`${name}, ${rows} rows: first call ${first.toFixed(0)} ms, then ${step.toFixed(1)} ms`);
    }
  }
  Deno.removeSync(cache, { recursive: true });
}
