/** One image by the parts that `sample` is made of; prints when each phase ended. */
import { openImageFile } from "../../commands/sample/image_file.ts";
import { type EngineName, openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { compileTask } from "../../sampling/compile.ts";
import { denoise, startRow } from "../../sampling/denoise.ts";
import { modelInfoOf, targetOf } from "../../sampling/loaded_model.ts";
import { resolveSampling } from "../../sampling/parameters.ts";

const [engineName, model, steps, file] = Deno.args;
const ends: Record<string, number> = {};
const end = (phase: string) => ends[phase] = Date.now();

end("program");
const pipeline = await loadPipeline(model);
end("model");
const engine = await openEngine(engineName as EngineName);
end("engine");
const network = createDenoiser(engine, pipeline);
const { height, width, channels, numClasses } = network;
network.evaluate(new Float32Array(height * width * channels), [0], numClasses === null ? null : [0]);
end("network");
const sampling = resolveSampling(
  { n: 1, steps: Number(steps), sampler: "ddim", seed: 1, guidance: 1 },
  modelInfoOf(pipeline, engine, network),
);
const row = startRow(compileTask({ kind: "generate", sampling }, targetOf(pipeline, network)), 0);
await denoise(network, [row], { nullLabel: pipeline.nullLabel });
end("steps");
using images = openImageFile(file, { count: 1, dtype: "uint8", labels: sampling.labels, height, width, channels });
images.append(row.x);
images.finish();
end("file");
console.log(JSON.stringify(ends));
