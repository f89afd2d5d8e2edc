import { compilePlan, sample, type SamplerName, type Spacing } from "../../core/mod.ts";
import { openEngine } from "../../engine/mod.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import type { Pipeline } from "../../model/pipeline.ts";
import { diffusionOf } from "../../model/scheduler_config.ts";

/** An image as a model draws it: flat HWC, not clipped. */
export interface Drawn {
  readonly image: Float32Array;
  readonly height: number;
  readonly width: number;
  /** The class that was asked for. */
  readonly wanted: number;
}

/** What a model draws on wasm, of each class in turn. */
export const drawInTurn = async (
  pipeline: Pipeline,
  { n, sampler, steps, spacing }: { n: number; sampler: SamplerName; steps: number; spacing?: Spacing },
): Promise<Drawn[]> => {
  const engine = await openEngine("wasm");
  const denoiser = createDenoiser(engine, pipeline);
  const { height, width, channels } = denoiser;
  const wanted = Int32Array.from({ length: n }, (_, i) => i % pipeline.labels!.length);
  const prediction = pipeline.scheduler.prediction_type;
  const images = await sample({
    plan: compilePlan({ diffusion: diffusionOf(pipeline.scheduler), sampler, steps, prediction, spacing }),
    shape: [n, height, width, channels],
    evaluate: (x, timesteps) => denoiser.evaluate(x, timesteps, wanted),
    seed: 1,
  });
  denoiser.dispose();
  const size = height * width * channels;
  return Array.from(wanted, (label, i) => ({
    image: images.subarray(i * size, (i + 1) * size),
    height,
    width,
    wanted: label,
  }));
};
