import { join } from "@std/path";
import { compilePlan, sample } from "../../core/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import { tile } from "../../formats/grid.ts";
import { toBytes } from "../../formats/pixels.ts";
import { encodePng } from "../../formats/png.ts";
import { createDenoiser } from "../../model/denoiser.ts";
import { diffusionOf, type Pipeline } from "../../model/pipeline.ts";
import { replaceFile } from "./durable.ts";

const COLUMNS = 10, ROWS = 2, STEPS = 25;

/**
 * Draws 20 images with a run's averaged weights and writes them as a grid to `samples/step-N.png`. The noise is the same
 * every time, so that grids show what training changes.
 *
 * By ancestral sampling, which forgives a young network's errors: where ε is learned, those of a deterministic sampler
 * stay in the image as noise until the network has nearly converged.
 *
 * @returns the file
 */
export const writeSampleGrid = async (run: string, engine: Engine, model: Pipeline, step: number): Promise<string> => {
  const denoiser = createDenoiser(engine, model);
  const { height, width, channels } = denoiser;
  const n = ROWS * COLUMNS;
  const classes = model.labels?.length;
  const labels = classes === undefined ? null : Int32Array.from({ length: n }, (_, i) => i % classes);
  const { prediction_type: prediction } = model.scheduler;
  const timesteps = model.scheduler.num_train_timesteps;
  const plan = compilePlan({
    diffusion: diffusionOf(model.scheduler),
    sampler: "ddpm",
    steps: Math.min(STEPS, timesteps),
    spacing: "trailing",
    prediction,
  });
  try {
    const images = await sample({
      plan,
      shape: [n, height, width, channels],
      evaluate: (x, timesteps) => denoiser.evaluate(x, timesteps, labels),
    });
    const grid = tile({ data: toBytes(images), height, width, channels }, { columns: COLUMNS });
    const file = join(run, "samples", `step-${String(step).padStart(6, "0")}.png`);
    await replaceFile(file, encodePng(grid));
    return file;
  } finally {
    denoiser.dispose();
  }
};
