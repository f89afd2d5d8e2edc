import type { DatasetExtent } from "../datasets/extent.ts";
import type { EngineName } from "../engine/engine.ts";
import { architectureOf, type Layer, unetParameters } from "../model/architecture.ts";
import { sampleShape, type UNetConfig } from "../model/unet_config.ts";
import type { Recipe } from "./recipe.ts";
import { GRID_IMAGES } from "./sample_grid.ts";

/**
 * What a run takes of memory and disk, before it begins: an estimate, by arithmetic alone.
 *
 * Memory is linear in what the network makes of a network call's images and in the run's state; the factors of each engine
 * are fitted to the peaks of resident memory of trainings (docs/jobs.md says how close they are).
 */

/** A share of what a run takes. */
export interface Share {
  /** What takes it, as after "of it for". */
  readonly what: string;
  readonly bytes: number;
  /** Fields of the recipe that decide it, the most telling first. */
  readonly fields: readonly (keyof Recipe)[];
  /** Of how many images it is, where it grows with them. */
  readonly images?: number;
  /** Whether it is the data's, which is there already where they are prepared. */
  readonly isPreparation?: boolean;
}

/** What a run takes. */
export interface RunEstimate {
  readonly memory: readonly Share[];
  readonly disk: readonly Share[];
}

/** Values that the network keeps of one image for the way back, as the layers' own and as attention's, pixels by pixels. */
export const activationsOf = (config: UNetConfig): number => {
  const { down, mid, up } = architectureOf(config);
  const [height, width] = sampleShape(config);
  const last = down.length - 1;
  const pixelsAt = (level: number) => height * width / 4 ** level;
  // Of a residual block: two norms, two activations with their gates, two convolutions, the shortcut and the sum.
  const ofLayer = (pixels: number) => ({ inChannels, outChannels, attention }: Layer): number => {
    const block = pixels * (4 * inChannels + 8 * outChannels);
    if (attention === null) return block;
    const heads = outChannels / (config.attention_head_dim ?? outChannels);
    // Norm, rows, query, key, value, their mixture and its projection; scores, and what softmax makes of them.
    return block + pixels * 9 * outChannels + 3 * heads * pixels ** 2;
  };
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return sum([
    ...down.flatMap(({ layers, resample, channels }, level) => [
      ...layers.map(ofLayer(pixelsAt(level))),
      resample === null ? 0 : pixelsAt(level + 1) * channels,
    ]),
    ...mid.map(ofLayer(pixelsAt(last))),
    ...up.flatMap(({ layers, resample, channels }, i) => [
      ...layers.map(ofLayer(pixelsAt(last - i))),
      resample === null ? 0 : 2 * pixelsAt(last - i - 1) * channels,
    ]),
    5 * pixelsAt(0) * config.block_out_channels[0],
  ]);
};

/** Bytes of an engine: of the process as it starts, per byte of activations, per byte of the state. */
interface EngineCosts {
  readonly process: number;
  readonly activations: number;
  readonly state: number;
}

const MEGABYTE = 1e6;

/** Fitted to measured peaks. WebGPU runs the same operations one by one as wasm does. */
const COSTS: Readonly<Record<EngineName, EngineCosts>> = {
  tensorflow: { process: 560 * MEGABYTE, activations: 0.77, state: 4 },
  onnx: { process: 420 * MEGABYTE, activations: 1.9, state: 3.4 },
  wasm: { process: 240 * MEGABYTE, activations: 3.5, state: 4 },
  webgpu: { process: 300 * MEGABYTE, activations: 3.5, state: 4 },
  "webgpu-software": { process: 300 * MEGABYTE, activations: 3.5, state: 4 },
  cpu: { process: 240 * MEGABYTE, activations: 3.5, state: 4 },
};

/** Images of this many bytes in all are read from their file as they are asked for. */
const MOST_IN_MEMORY = 2 ** 30;

/** Bytes of a line of `metrics.jsonl`, and of a step's values for TensorBoard. */
const METRICS_LINE = 500;

/**
 * Estimates what a run takes.
 *
 * @param unet the network that it trains; `null` if that is not known: its share is left out
 * @param data the images that it learns
 * @param engine what evaluates the network
 */
export const estimateRun = (
  recipe: Recipe,
  unet: UNetConfig | null,
  data: DatasetExtent,
  engine: EngineName,
): RunEstimate => {
  const costs = COSTS[engine];
  const { steps, batch, ema, keep, checkpointEvery, sampleEvery, tensorboard } = recipe;
  const images = recipe.microBatch ?? batch;
  const pixels = data.height * data.width * data.channels;
  const parameters = unet === null
    ? 0
    : unetParameters(unet).reduce((sum, { shape }) => sum + shape.reduce((all, n) => all * n, 1), 0);
  // Weights, two moments, the averages.
  const state = 4 * parameters * (3 + ema.length);
  const dataBytes = data.count * pixels;
  const checkpoints = Math.min(keep, Math.ceil(steps / checkpointEvery)) + 1;
  const grids = Math.floor(steps / sampleEvery) + 1;
  const written = tensorboard ? 2 : 1;
  return {
    memory: [
      {
        what: `what the network makes of ${images} images of ${data.width}×${data.height}`,
        // With x_0 and ε, in two slots and once on the engine.
        bytes: images * 4 * (costs.activations * (unet === null ? 0 : activationsOf(unet)) + 6 * pixels),
        images,
        fields: [recipe.microBatch === null ? "batch" : "microBatch", "size", "preset"],
      },
      { what: `${parameters} parameters`, bytes: costs.state * state, fields: ["preset", "ema"] },
      { what: "the images", bytes: dataBytes < MOST_IN_MEMORY ? dataBytes : 0, fields: ["size", "data"] },
      { what: "a grid of samples", bytes: 10 * GRID_IMAGES * pixels, fields: ["size"] },
      { what: `the engine ${engine}`, bytes: costs.process, fields: ["engine"] },
    ],
    disk: [
      {
        what: `${data.count} images of ${data.width}×${data.height}, prepared`,
        bytes: dataBytes,
        fields: ["size", "data"],
        isPreparation: true,
      },
      { what: `${checkpoints} checkpoints`, bytes: checkpoints * state, fields: ["keep", "preset", "ema"] },
      {
        what: `${grids} grids of samples`,
        bytes: written * grids * GRID_IMAGES * pixels,
        fields: ["sampleEvery", "size"],
      },
      { what: `the metrics of ${steps} steps`, bytes: written * steps * METRICS_LINE, fields: ["steps"] },
    ],
  };
};

/** All shares together, in bytes. */
export const totalBytes = (shares: readonly Share[]): number => shares.reduce((sum, { bytes }) => sum + bytes, 0);
