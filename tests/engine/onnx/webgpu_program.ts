/**
 * Evaluates networks by ONNX Runtime's WebGPU provider, in a process of its own: where it finds an adapter is up to the
 * variables with which a process starts. Prints what it found as JSON.
 */
import { fromFileUrl } from "@std/path";
import { EngineError } from "../../../engine/mod.ts";
import { openOnnx } from "../../../engine/onnx/mod.ts";
import { createDenoiser } from "../../../model/denoiser.ts";
import { loadPipeline } from "../../../model/pipeline.ts";
import { parseSafetensors } from "../../../model/safetensors.ts";
import { nhwc } from "../../model/nhwc.ts";
import { evaluateRows, MODELS, randomRow } from "../../model/rows.ts";
import { relativeError } from "../relative_error.ts";

const FIXTURES = fromFileUrl(new URL("../../fixtures/model/", import.meta.url));
const [TIMESTEPS, LABELS] = [[3, 977], [1, 4]];

/** How far a U-Net of tests/fixtures/model is from diffusers', in units of the largest value expected. */
const differenceOf = async (name: string): Promise<number> => {
  const denoiser = createDenoiser(engine, await loadPipeline(`${FIXTURES}${name}`));
  const expected = parseSafetensors(await Deno.readFile(`${FIXTURES}${name}.safetensors`));
  const rows = expected.get("x")!.shape[0];
  const x = nhwc(expected.get("x")!).data;
  const out = denoiser.evaluate(x, TIMESTEPS.slice(-rows), denoiser.numClasses === null ? null : LABELS.slice(0, rows));
  denoiser.dispose();
  return relativeError(out, nhwc(expected.get("out")!).data);
};

/** Values of a row among others that differ in their bits from those of the same row alone. */
const companyOf = async (name: string): Promise<number> => {
  const denoiser = createDenoiser(engine, await MODELS[name]());
  const subject = randomRow(denoiser, 1);
  const [alone] = evaluateRows(denoiser, [subject]);
  let values = 0;
  for (const count of [2, 3, 4]) {
    const rows = Array.from({ length: count }, (_, i) => i === count - 1 ? subject : randomRow(denoiser, 50 + i));
    const among = evaluateRows(denoiser, rows)[count - 1];
    values += among.filter((value, i) => !Object.is(value, alone[i])).length;
  }
  denoiser.dispose();
  return values;
};

const engine = await openOnnx({ device: "webgpu-software" }).catch((error) => {
  if (!(error instanceof EngineError)) throw error;
  console.log(JSON.stringify({ missing: error.message }));
  Deno.exit(0);
});
const differences: Record<string, number> = {}, company: Record<string, number> = {};
for (const name of Deno.args) differences[name] = await differenceOf(name);
for (const name of ["conditional", "ddpm"].filter((name) => Deno.args.includes(name))) {
  company[name] = await companyOf(name);
}
console.log(JSON.stringify({ device: engine.device, differences, company }));
