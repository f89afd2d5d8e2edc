import { join } from "@std/path";
import { countNonFinite } from "../core/check.ts";
import { compilePlan, sample } from "../core/mod.ts";
import type { Engine } from "../engine/mod.ts";
import { replaceFile } from "../files/durable.ts";
import { tile } from "../formats/grid.ts";
import { toBytes } from "../formats/pixels.ts";
import { encodePng } from "../formats/png.ts";
import { createDenoiser } from "../model/denoiser.ts";
import type { Pipeline } from "../model/pipeline.ts";
import { diffusionOf } from "../model/scheduler_config.ts";
import { DivergedError } from "./errors.ts";

const COLUMNS = 10, ROWS = 2, STEPS = 25;

/** Images of a grid. */
export const GRID_IMAGES = ROWS * COLUMNS;

/** Pixels that the network sees at once, so that a grid takes no more memory than a step: 20 images of 64×64. */
const MOST_PIXELS = 20 * 64 * 64;

/** A grid that was drawn, and its file. */
export interface SampleGrid {
  readonly file: string;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly png: Uint8Array<ArrayBuffer>;
}

/**
 * Draws 20 images with a run's averaged weights and writes them as a grid to `samples/step-N.png`. The noise is the same
 * every time, so that grids show what training changes.
 *
 * By ancestral sampling, which forgives a young network's errors: where ε is learned, those of a deterministic sampler
 * stay in the image as noise until the network has nearly converged.
 *
 * Where the network learns the variance that is taken; else the small one, since the large is too large for so few steps.
 *
 * @throws {DivergedError} if an image's values are not finite
 */
export const writeSampleGrid = async (
  run: string,
  engine: Engine,
  model: Pipeline,
  step: number,
): Promise<SampleGrid> => {
  const denoiser = createDenoiser(engine, model);
  const { height, width, channels } = denoiser;
  const n = GRID_IMAGES;
  const classes = model.labels?.length;
  const labels = classes === undefined ? null : Int32Array.from({ length: n }, (_, i) => i % classes);
  const { prediction_type: prediction, variance_type: variance } = model.scheduler;
  const timesteps = model.scheduler.num_train_timesteps;
  const plan = compilePlan({
    diffusion: diffusionOf(model.scheduler),
    sampler: "ddpm",
    steps: Math.min(STEPS, timesteps),
    spacing: "trailing",
    prediction,
    variance: variance === "learned_range" ? variance : "fixed_small",
  });
  try {
    const images = new Float32Array(n * height * width * channels);
    const together = Math.max(1, Math.min(n, Math.floor(MOST_PIXELS / (height * width))));
    for (let first = 0; first < n; first += together) {
      const count = Math.min(together, n - first);
      const drawn = await sample({
        plan,
        shape: [count, height, width, channels],
        sample: first,
        evaluate: (x, timesteps) => denoiser.evaluate(x, timesteps, labels && labels.subarray(first, first + count)),
      });
      images.set(drawn, first * height * width * channels);
    }
    if (countNonFinite(images) > 0) {
      throw new DivergedError(`Cannot go on: the images drawn at step ${step} are not finite. A lower --lr may help`);
    }
    const grid = tile({ data: toBytes(images), height, width, channels }, { columns: COLUMNS });
    const file = join(run, "samples", `step-${String(step).padStart(6, "0")}.png`);
    const png = encodePng(grid);
    await replaceFile(file, png);
    return { file, png, height: grid.height, width: grid.width, channels: grid.channels as 1 | 3 };
  } finally {
    denoiser.dispose();
  }
};
