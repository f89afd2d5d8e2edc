import { z } from "zod";
import { PREDICTIONS, SCHEDULES, WEIGHTINGS } from "../core/mod.ts";
import { engineOptions } from "../engine/options.ts";
import { CLASS_SHARES, LOSSES, TIMESTEP_SAMPLINGS, TRAINED_VARIANCES } from "./choices.ts";
import { PRESET_NAMES } from "./presets.ts";
import { faultsOf, resolveRecipe } from "./recipe.ts";

/** A name that is no path: of a data set, a model or a job. */
const name = z.string().max(128).regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/);

/** What decides a run's weights. An option without a default is the preset's to decide, unless it is given. */
const recipe = {
  data: name.optional()
    .describe(
      "Images to learn: mnist, mnist-test, cifar10, cifar10-test, emoji, emoji-test, or a name under the data folder",
    ),
  size: z.int().min(4).max(4096).optional()
    .describe("Pixels of a side, to which images are cropped and scaled. Default: the preset's, or the data's own"),
  classes: z.array(z.string().min(1).max(256)).min(1).max(1000).optional()
    .describe("Learn the images of these classes alone, by their names in the data. Default: all"),
  classShares: z.enum(CLASS_SHARES).optional()
    .describe(
      "How often images of each class are seen, where there are classes: as often as the data has them, or one as " +
        "often as another. Default: " +
        "data; emoji: equal",
    ),
  preset: z.enum(PRESET_NAMES).optional()
    .describe("The U-Net and the recipe that goes with it; any other option changes a part of it. Default: digits"),
  init: name.optional()
    .describe("Start from the weights of this model or job, by its U-Net, schedule, prediction and variance"),
  conditional: z.boolean().optional()
    .describe("Tell the network each image's class, where the data has classes; cifar10 and celebahq256 do not"),
  schedule: z.enum(SCHEDULES).optional()
    .describe("Noise schedule β_t. Default: linear, the paper's; emoji: cosine"),
  timesteps: z.int().min(2).max(100_000).optional()
    .describe("T, the number of diffusion steps. Default: 1000"),
  prediction: z.enum(PREDICTIONS).optional()
    .describe("What the network predicts. Default: epsilon, the paper's; emoji: v_prediction"),
  lossWeighting: z.enum(WEIGHTINGS).optional()
    .describe("Weight of each timestep's loss. Default: uniform, with epsilon L_simple (eq. 14); emoji: min_snr"),
  minSnrGamma: z.number().gt(0).max(1e6).default(5)
    .describe("γ of the loss weighting min_snr"),
  variance: z.enum(TRAINED_VARIANCES).optional()
    .describe(
      "Variance of a denoising step; the network learns learned_range. Default: fixed_small; cifar10: fixed_large",
    ),
  loss: z.enum(LOSSES).optional()
    .describe(
      "simple, hybrid (plus a thousandth of the bound, for the variance) or vlb. Default: hybrid if that is learned",
    ),
  timestepSampling: z.enum(TIMESTEP_SAMPLINGS).optional()
    .describe("How images get their t: uniform (the default), stratified over the batch, or importance, by t's loss"),
  steps: z.int().min(1).max(100_000_000).optional()
    .describe("Training steps. Default: 6000; emoji 30000, cifar10 800000, celebahq256 500000"),
  batch: z.int().min(1).max(65_536).optional()
    .describe("Images a step. Default: 32; cifar10 128, celebahq256 64"),
  microBatch: z.int().min(1).max(4096).optional()
    .describe(
      "Images a network call, a divisor of the batch: gradients add up. Default: all; cifar10 32, celebahq256 4",
    ),
  lr: z.number().gt(0).max(1).optional()
    .describe("Learning rate of Adam. Default: 1e-3; emoji 5e-4, cifar10 2e-4, celebahq256 2e-5, with --init 1e-4"),
  warmup: z.int().min(0).optional()
    .describe("Steps over which the learning rate rises to its value. Default: 200; emoji 500, the paper's 5000"),
  clip: z.number().gt(0).optional()
    .describe("Largest norm of the gradient; a longer one is scaled down to it. Default: 1"),
  ema: z.array(z.number().min(0).lt(1)).min(1).max(8).optional()
    .describe(
      "Decays of the weights' moving averages; the first samples. Default: 0.999; emoji 0.9995, the paper's 0.9999",
    ),
  dropout: z.number().min(0).lt(1).optional()
    .describe("Share of activations that each residual block drops. Default: 0; emoji and cifar10 0.1"),
  flip: z.boolean().optional()
    .describe("Mirror half of the images; cifar10 and celebahq256 do, unless --no-flip"),
  labelDropout: z.number().min(0).lt(1).optional()
    .describe("Share of images that are shown without their class, for classifier-free guidance. Default: 0.1"),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0)
    .describe("Decides the first weights, the order of the images and all noise"),
  checkpointEvery: z.int().min(1).optional()
    .describe("Steps from one checkpoint to the next. Default: 500; cifar10 and celebahq256 1000"),
  sampleEvery: z.int().min(1).optional()
    .describe("Steps from one grid of samples to the next. Default: 500; cifar10 and celebahq256 1000"),
  keep: z.int().min(1).default(3)
    .describe("Checkpoints to keep; older ones are removed"),
  tensorboard: z.boolean().default(false)
    .describe("Write the metrics and the sample grids for TensorBoard, too"),
  engine: engineOptions.engine,
};

/** Reports what in the options does not go together. */
const check = (options: Partial<z.output<z.ZodObject<typeof recipe>>>, context: z.RefinementCtx): void => {
  for (const { key, message, received } of faultsOf(resolveRecipe(options))) {
    context.addIssue({ code: "custom", path: [key], message, params: { received } });
  }
};

/** The recipe of a training run as it can be asked for from elsewhere: none of it names a path. */
export const remoteTrainOptions = z.strictObject(recipe).superRefine(check);

const CHANGEABLE: readonly string[] = ["steps", "engine"];

const leftOut = (context: z.RefinementCtx, key: string, reason: string): void =>
  context.addIssue({ code: "custom", path: [key], message: `left out with --resume, which ${reason}` });

/** The options of `train`: the recipe, and where it goes or comes from. */
export const trainOptions = z.strictObject({
  ...recipe,
  data: z.string().min(1).optional()
    .describe(
      "Images to learn: mnist, mnist-test, cifar10, cifar10-test, emoji, emoji-test, or a path: a folder of images " +
        "(subfolders are classes), a .npz, an IDX file, a folder of CIFAR-10's binary files. Default: the preset's",
    ),
  init: z.string().min(1).optional()
    .describe(
      "Start from the weights in this model folder, of this program or diffusers, by its U-Net, schedule, prediction " +
        "and variance unless they are given",
    ),
  out: z.string().min(1).optional()
    .describe("Folder of the run. Default: runs/<data>-<schedule>-<date and time>"),
  resume: z.string().min(1).optional()
    .describe(
      "Go on with the run in this folder, by its own recipe; --steps may move its end, --engine its place, no other " +
        "option changes",
    ),
  lease: z.boolean().default(false)
    .describe("Stop writing once standard input brings no renewal: a worker holds this run and may lose it"),
  tensorflow: engineOptions.tensorflow,
  xla: engineOptions.xla,
  stopAtEof: z.boolean().default(false)
    .describe("Stop, with a checkpoint, when standard input ends: the program that started this one is gone"),
}).superRefine((options, context) => {
  if (options.resume === undefined) return check(options, context);
  const defaults: Record<string, unknown> = z.object(recipe).parse({});
  for (const key of Object.keys(recipe)) {
    if (CHANGEABLE.includes(key) || options[key as keyof typeof recipe] === defaults[key]) continue;
    leftOut(context, key, "goes on by the run's own recipe");
  }
  if (options.out !== undefined) leftOut(context, "out", "names the folder");
});

/** The options of `train`, defaults filled in that no preset decides. */
export type TrainOptions = z.output<typeof trainOptions>;
