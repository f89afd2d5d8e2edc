/**
 * Compares the engines with diffusers on the paper's networks at their full size, and prints a table. What it reads is
 * written by tests/fixtures/model/full_size.py:
 *
 *     python3 tests/fixtures/model/full_size.py runs/full-size
 *     deno run --allow-read=. --allow-ffi=.tensorflow,node_modules --allow-env tests/model/full_size.ts runs/full-size [ENGINE ...]
 */
import { join } from "@std/path";
import { type EngineName, ENGINES, openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { parseSafetensors } from "../../model/safetensors.ts";
import { nhwc } from "./nhwc.ts";

const [folder, ...asked] = Deno.args;
const engines = asked.length === 0 ? ["onnx", "tensorflow", "wasm"] as const : asked as EngineName[];
const MODELS = ["ddpm-cifar10-32", "ddpm-celebahq-256"];

const largest = (values: ArrayLike<number>, from?: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] - (from?.[i] ?? 0)));
  return most;
};

const show = (value: number) => value === 0 ? "" : value.toExponential(1).replace("-", "−");

const load = async (model: string) => {
  const stored = parseSafetensors(await Deno.readFile(join(folder, `${model}.safetensors`)));
  const image = (name: string) => nhwc(stored.get(name)!);
  const [float32, float64] = [image("float32").data, image("float64").data];
  const report = (what: string, out: Float32Array) => {
    const [absolute, peer] = [largest(out, float64), largest(out, float32)];
    const size = largest(float64);
    console.log(`| ${[model, what, show(absolute), show(absolute / size), show(peer / size)].join(" | ")} |`);
  };
  return { x: image("x"), timesteps: stored.get("timesteps")!.data, float32, report };
};

if (folder === undefined || asked.some((name) => !ENGINES.includes(name as EngineName))) {
  console.error(`error: usage: full_size.ts FOLDER [ENGINE ...], engines ${ENGINES.join(", ")}`);
  Deno.exit(2);
}
console.log("| network | evaluated by | from float64 | relative | from diffusers' float32, relative |");
console.log("| --- | --- | ---: | ---: | ---: |");
for (const model of MODELS) {
  const { x, timesteps, float32, report } = await load(model);
  report("diffusers, float32", float32);
  for (const name of engines) {
    const denoiser = createDenoiser(await openEngine(name), await loadPipeline(join(folder, model)));
    report(name, denoiser.evaluate(x.data, timesteps, null));
    denoiser.dispose();
  }
}
