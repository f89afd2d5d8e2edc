import { z } from "zod";
import { PREDICTIONS, SCHEDULES, WEIGHTINGS } from "../core/mod.ts";
import { engineOptions } from "../engine/options.ts";
import { CLASS_SHARES, LOSSES, TIMESTEP_SAMPLINGS, TRAINED_VARIANCES } from "./choices.ts";
import { FINE_TUNING, PRESET_NAMES, type PresetName, PRESETS } from "./presets.ts";

/**
 * The recipe of a training run: the list of its fields, and all that follows from it. `train`'s options and those of a job
 * over HTTP, what `config.json` holds, how what is not given is filled in, and what does not go together.
 */

/** What is known of a field of the recipe. */
interface Field<T extends z.ZodType = z.ZodType> {
  /** What may be given for it. */
  readonly type: T;
  readonly help: string;
  /** What it is where nobody says, and no preset decides. */
  readonly default?: z.output<T>;
  /** What it may be beside `type` in a `config.json`: null, which leaves it to the data, the model or another field. */
  readonly nullable?: true;
  /** What runs did from before there was such a field; without it, every `config.json` has it. */
  readonly before?: z.output<T> | null;
}

const field = <T extends z.ZodType, const F extends Omit<Field<T>, "type" | "help">>(type: T, help: string, rest?: F) =>
  ({ type, help, ...rest }) as { readonly type: T; readonly help: string } & F;

/** A name that is no path: of a data set, a model or a job. */
const entryName = z.string().max(128).regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/);

/** What decides a run's weights. What has no default is the preset's to decide, unless it is given. */
const FIELDS = {
  data: field(
    entryName,
    "Images to learn: mnist, mnist-test, cifar10, cifar10-test, emoji, emoji-test, or a name under the data folder",
    { nullable: true },
  ),
  size: field(
    z.int().min(4).max(4096),
    "Pixels of a side, to which images are cropped and scaled. Default: the preset's, or the data's own",
    { nullable: true, before: null },
  ),
  classes: field(
    z.array(z.string().min(1).max(256)).min(1).max(1000),
    "Learn the images of these classes alone, by their names in the data (a comma in a name is \\,). Default: all",
    { nullable: true, before: null },
  ),
  classShares: field(
    z.enum(CLASS_SHARES),
    "How often each class is seen: as often as it occurs in the data, or all classes equally often. " +
      "Default: data; emoji: equal",
    { before: "data" },
  ),
  preset: field(
    z.enum(PRESET_NAMES),
    "The U-Net and the recipe that goes with it; any other option changes a part of it. Default: digits",
    { nullable: true },
  ),
  init: field(
    entryName,
    "Start from the weights of this model or job, by its U-Net, schedule, prediction and variance",
    { nullable: true, before: null },
  ),
  conditional: field(
    z.boolean(),
    "Condition the network on the class, if the data has classes; cifar10 and celebahq256 do not",
    { before: true },
  ),
  schedule: field(
    z.enum(SCHEDULES),
    "Noise schedule β_t. Default: linear, the paper's; emoji and quick: cosine",
    { nullable: true },
  ),
  timesteps: field(
    z.int().min(2).max(100_000),
    "T, the number of diffusion steps. Default: 1000",
    { nullable: true },
  ),
  prediction: field(
    z.enum(PREDICTIONS),
    "What the network predicts. Default: epsilon, the paper's; emoji and quick: v_prediction",
    { nullable: true },
  ),
  lossWeighting: field(
    z.enum(WEIGHTINGS),
    "Weight of each timestep's loss. Default: uniform, with epsilon L_simple (eq. 14); emoji: min_snr",
  ),
  minSnrGamma: field(z.number().gt(0).max(1e6), "γ of the loss weighting min_snr", { default: 5, before: 5 }),
  variance: field(
    z.enum(TRAINED_VARIANCES),
    "Variance of a denoising step; the network learns learned_range. Default: fixed_small; cifar10: fixed_large",
    { nullable: true, before: "fixed_small" },
  ),
  loss: field(
    z.enum(LOSSES),
    "simple, hybrid (plus a thousandth of the bound, for the variance) or vlb. Default: hybrid if that is learned",
    { nullable: true, before: "simple" },
  ),
  timestepSampling: field(
    z.enum(TIMESTEP_SAMPLINGS),
    "How images get their t: uniform (the default), stratified over the batch, or importance, by t's loss",
    { before: "uniform" },
  ),
  steps: field(
    z.int().min(1).max(100_000_000),
    "Training steps. Default: 6000; quick 200, emoji 30000, cifar10 800000, celebahq256 500000",
  ),
  batch: field(z.int().min(1).max(65_536), "Images per step. Default: 32; cifar10 128, celebahq256 64"),
  microBatch: field(
    z.int().min(1).max(4096),
    "Images per network call, a divisor of the batch; gradients are accumulated. Default: all; cifar10 32, celebahq256 4",
    { nullable: true, before: null },
  ),
  lr: field(
    z.number().gt(0).max(1),
    "Learning rate of Adam. Default: 1e-3; quick 2e-3, emoji 5e-4, cifar10 2e-4, celebahq256 2e-5, with --init 1e-4",
  ),
  warmup: field(
    z.int().min(0),
    "Steps over which the learning rate rises to its value. Default: 200; quick 20, emoji 500, the paper's 5000",
  ),
  clip: field(z.number().gt(0), "Largest norm of the gradient; a longer one is scaled down to it. Default: 1"),
  ema: field(
    z.array(z.number().min(0).lt(1)).min(1).max(8),
    "Decays of the weights' moving averages; the first samples. Default: 0.999; quick 0.98, emoji 0.9995, the paper's 0.9999",
  ),
  dropout: field(
    z.number().min(0).lt(1),
    "Share of activations that each residual block drops. Default: 0; emoji and cifar10 0.1",
    { nullable: true, before: 0 },
  ),
  flip: field(z.boolean(), "Mirror half of the images; cifar10 and celebahq256 do, unless --no-flip", {
    before: false,
  }),
  labelDropout: field(
    z.number().min(0).lt(1),
    "Share of images that are shown without their class, for classifier-free guidance. Default: 0.1",
  ),
  seed: field(
    z.int().min(0).max(Number.MAX_SAFE_INTEGER),
    "Seed of the initial weights, the order of the images and all noise",
    { default: 0 },
  ),
  checkpointEvery: field(
    z.int().min(1),
    "Steps from one checkpoint to the next. Default: 500; quick 100, cifar10 and celebahq256 1000",
  ),
  sampleEvery: field(
    z.int().min(1),
    "Steps from one grid of samples to the next. Default: 500; quick 50, cifar10 and celebahq256 1000",
  ),
  keep: field(z.int().min(1), "Checkpoints to keep; older ones are removed", { default: 3 }),
  tensorboard: field(
    z.boolean(),
    "Also write the metrics and sample grids for TensorBoard",
    { default: false, before: false },
  ),
  engine: field(engineOptions.engine.unwrap(), engineOptions.engine.description!, { default: "auto", before: "auto" }),
};

type Fields = typeof FIELDS;
type Key = keyof Fields;
const KEYS = Object.keys(FIELDS) as Key[];

const mapFields = <T>(map: (field: Field, key: Key) => T): Record<string, T> =>
  Object.fromEntries(KEYS.map((key) => [key, map(FIELDS[key] as Field, key)]));

/**
 * The recipe of a run, all filled in: what `config.json` holds. `null` stands for what is taken from elsewhere: from the
 * data (`size`, `classes`), from the model that `init` names (`preset`, `schedule`, `timesteps`, `prediction`, `variance`,
 * `dropout`), from that model's variance (`loss`), from `batch` (`microBatch`).
 */
export type Recipe = {
  [K in Key]: z.output<Fields[K]["type"]> | (Fields[K] extends { nullable: true } ? null : never);
};

/** The options of a recipe as they are given: all can be left out. */
export type RecipeOptions = { readonly [K in Key]?: Recipe[K] | undefined };

// ---- Options.

type OptionSchemas = {
  [K in Key]: Fields[K] extends { default: unknown } ? z.ZodDefault<Fields[K]["type"]>
    : z.ZodOptional<Fields[K]["type"]>;
};

const recipeOptions = mapFields(({ type, help, default: value }) =>
  (value === undefined ? type.optional() : type.default(value)).describe(help)
) as OptionSchemas;

/** Reports what in a recipe does not go together. */
const refuseConflicts = (recipe: Recipe, context: z.RefinementCtx): void => {
  for (const { key, message, received } of conflictsIn(recipe)) {
    context.addIssue({ code: "custom", path: [key], message, params: { received } });
  }
};

/** The recipe of a training run as it can be asked for from elsewhere: none of it names a path. */
export const remoteTrainOptions = z.strictObject(recipeOptions).superRefine((options, context) =>
  refuseConflicts(resolveRecipe(options), context)
);

/** The fields that somebody chose: all that are given, and are not what they would be anyway. */
export const givenFields = (options: RecipeOptions): string[] =>
  KEYS.filter((key) => options[key] !== undefined && options[key] !== (FIELDS[key] as Field).default);

const CHANGES_ON_RESUME: readonly string[] = ["data", "steps", "engine"];

const refuseWithResume = (options: RecipeOptions & { readonly out?: string }, context: z.RefinementCtx): void => {
  const refuse = (key: string, reason: string) =>
    context.addIssue({ code: "custom", path: [key], message: `left out with --resume, which ${reason}` });
  for (const key of KEYS) {
    if (CHANGES_ON_RESUME.includes(key) || options[key] === (FIELDS[key] as Field).default) continue;
    refuse(key, "goes on by the run's own recipe");
  }
  if (options.out !== undefined) refuse("out", "names the folder");
};

/** Of several places that say what to do, one would be heard in silence. */
const refuseWithStdin = (options: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void => {
  for (const [key, value] of Object.entries(options)) {
    const { default: usual } = (FIELDS as Readonly<Record<string, Field>>)[key] ?? {};
    if (key === "optionsFromStdin" || value === usual || value === false || value === "auto") continue;
    context.addIssue({ code: "custom", path: [key], message: "left out with --options-from-stdin, which says all" });
  }
};

/** The options of `train`: the recipe, and where it goes or comes from. */
export const trainOptions = z.strictObject({
  ...recipeOptions,
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
      "Go on with the run in this folder, by its own recipe; --steps may move its end, --engine its place, --data says " +
        "where its images lie now, no other option changes",
    ),
  memory: z.number().gt(0).max(1_000_000).optional()
    .describe(
      "Gigabytes of memory that a run may take by estimate; one that takes more is refused. Default: the machine's",
    ),
  disk: z.number().gt(0).max(1_000_000).optional()
    .describe("Gigabytes of disk it may use, its data included. Default: the free space"),
  lease: z.boolean().default(false)
    .describe("Stop writing once standard input brings no renewal: a worker holds this run and may lose it"),
  tensorflow: engineOptions.tensorflow,
  xla: engineOptions.xla,
  stopAtEof: z.boolean().default(false)
    .describe("Stop, with a checkpoint, when standard input ends: the program that started this one is gone"),
  optionsFromStdin: z.boolean().default(false)
    .describe("Take all options from the first line of standard input, a JSON object, by their names in camelCase"),
}).transform((options, context) => {
  if (options.optionsFromStdin) refuseWithStdin(options, context);
  // Of a run that goes on, the recipe is read from its folder.
  const recipe = options.resume === undefined ? resolveRecipe(options) : null;
  if (recipe) refuseConflicts(recipe, context);
  else refuseWithResume(options, context);
  return { ...options, recipe };
});

/** The options of `train`, defaults filled in that no preset decides, and the recipe of a new run. */
export type TrainOptions = z.output<typeof trainOptions>;

// ---- What is not given.

/** Fields that `init` leaves to the model that it names. */
export const MODEL_DECIDES = {
  variance: null,
  schedule: null,
  timesteps: null,
  prediction: null,
  dropout: null,
} as const;

/** What a preset decides of a recipe: all that has no default, but for what follows from other fields. */
type PresetRecipe =
  & Readonly<
    Omit<
      Recipe,
      "classes" | "preset" | "init" | "loss" | "minSnrGamma" | "seed" | "keep" | "tensorboard" | "engine" | "ema"
    >
  >
  & { readonly ema: readonly number[] };

const BASES: Readonly<Record<PresetName, { recipe: PresetRecipe }>> = PRESETS;

const DEFAULTS = mapFields((field) => field.default ?? null);

/** Fills in what is not given: by the preset or, with `init` alone, by the model that it names. */
export const resolveRecipe = ({ preset, init, ...options }: RecipeOptions): Recipe => {
  const fromModel = init !== undefined && init !== null && (preset === undefined || preset === null);
  const name = fromModel ? null : preset ?? "digits";
  const base: PresetRecipe = name === null ? FINE_TUNING : BASES[name].recipe;
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  );
  const known = {
    ...DEFAULTS,
    ...base,
    ema: [...base.ema],
    ...(init ? MODEL_DECIDES : {}),
    // A batch that was chosen need not be a multiple of the preset's.
    ...(given.batch === undefined ? {} : { microBatch: fitting(base, options.batch!) }),
    ...given,
    preset: name,
    init: init ?? null,
  } as Recipe;
  const { variance } = known;
  const loss = options.loss ?? (variance === null ? null : lossFor(variance));
  return mapFields((_, key) => key === "loss" ? loss : known[key]) as Recipe;
};

/** What is minimized where nobody says: the hybrid if the variance is learned. */
export const lossFor = (variance: string): "simple" | "hybrid" => variance === "learned_range" ? "hybrid" : "simple";

/** The largest divisor of `batch` that is no larger than the preset's micro-batch. */
const fitting = ({ microBatch }: PresetRecipe, batch: number): number | null => {
  if (microBatch === null || batch <= microBatch) return null;
  let size = microBatch;
  while (batch % size !== 0) size--;
  return size;
};

// ---- What does not go together.

/** What in a recipe does not go together. */
export interface RecipeConflict {
  readonly key: keyof Recipe;
  /** What is allowed, as after "must be". */
  readonly message: string;
  readonly received: unknown;
}

/** Lists what in a recipe does not go together. */
const conflictsIn = (recipe: Recipe): RecipeConflict[] => {
  const { data, classes, preset, schedule, prediction, variance, loss, lossWeighting, batch, microBatch, ema } = recipe;
  const conflicts: (RecipeConflict | false)[] = [
    data === null && { key: "data", message: `given with the preset ${preset}, which has none`, received: undefined },
    // ε says nothing about x_0 where x_t holds no signal, and `jsd` ends there.
    schedule === "jsd" && prediction === "epsilon" && {
      key: "prediction",
      message: "sample or v_prediction with the schedule jsd, whose x_T holds no signal",
      received: prediction,
    },
    loss === "hybrid" && variance !== null && variance !== "learned_range" && {
      key: "loss",
      message: `simple or vlb with the variance ${variance}, which is not learned`,
      received: loss,
    },
    loss === "simple" && variance === "learned_range" && {
      key: "loss",
      message: "hybrid or vlb with the variance learned_range, which it has to train",
      received: loss,
    },
    loss === "vlb" && lossWeighting !== "uniform" && {
      key: "lossWeighting",
      message: "uniform with the loss vlb, which has weights of its own",
      received: lossWeighting,
    },
    microBatch !== null && batch % microBatch !== 0 && {
      key: "microBatch",
      message: `a divisor of the batch, ${batch}`,
      received: microBatch,
    },
    classes !== null && new Set(classes).size < classes.length && {
      key: "classes",
      message: "names that differ",
      received: classes,
    },
    new Set(ema).size < ema.length && { key: "ema", message: "decays that differ", received: ema },
  ];
  return conflicts.filter((conflict) => conflict !== false);
};

// ---- What is stored.

/** `config.json`. What came later than the first runs has a default: what those runs did. Paths may stand for names. */
const storedRecipe = z.strictObject(mapFields(({ type, nullable, before }, key) => {
  const stored = key === "data" || key === "init" ? z.string() : type;
  const orNull = nullable ? stored.nullable() : stored;
  return before === undefined ? orNull : orNull.default(before);
})) as unknown as z.ZodType<Recipe>;

/**
 * Reads the recipe of a `config.json`, also of runs from before there were several averages.
 *
 * @throws {z.ZodError} if it is none
 */
export const parseRecipe = (json: unknown): Recipe => {
  const { ema } = json as { ema?: unknown };
  return storedRecipe.parse(typeof ema === "number" ? { ...json as object, ema: [ema] } : json);
};
