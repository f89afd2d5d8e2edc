import { z } from "zod";
import { PREDICTIONS, SCHEDULES, WEIGHTINGS } from "../core/mod.ts";
import { engineOptions } from "../engine/options.ts";
import { CLASS_SHARES, LOSSES, TIMESTEP_SAMPLINGS, TRAINED_VARIANCES } from "./choices.ts";
import { FINE_TUNING, PRESET_NAMES, type PresetRecipe, PRESETS } from "./presets.ts";

/** What `config.json` holds. What came later than the first runs has a default: what those runs did. */
const schema = z.strictObject({
  data: z.string().nullable(),
  size: z.int().nullable().default(null),
  classes: z.array(z.string()).nullable().default(null),
  preset: z.enum(PRESET_NAMES).nullable(),
  init: z.string().nullable().default(null),
  classShares: z.enum(CLASS_SHARES).default("data"),
  conditional: z.boolean().default(true),
  schedule: z.enum(SCHEDULES).nullable(),
  timesteps: z.int().nullable(),
  prediction: z.enum(PREDICTIONS).nullable(),
  lossWeighting: z.enum(WEIGHTINGS),
  minSnrGamma: z.number().default(5),
  variance: z.enum(TRAINED_VARIANCES).nullable().default("fixed_small"),
  loss: z.enum(LOSSES).nullable().default("simple"),
  timestepSampling: z.enum(TIMESTEP_SAMPLINGS).default("uniform"),
  steps: z.int(),
  batch: z.int(),
  microBatch: z.int().nullable().default(null),
  lr: z.number(),
  warmup: z.int(),
  clip: z.number(),
  ema: z.array(z.number()).min(1),
  dropout: z.number().nullable().default(0),
  flip: z.boolean().default(false),
  labelDropout: z.number(),
  seed: z.int(),
  checkpointEvery: z.int(),
  sampleEvery: z.int(),
  keep: z.int(),
  tensorboard: z.boolean().default(false),
  engine: engineOptions.engine,
});

/**
 * The recipe of a run, all filled in: what `config.json` holds. `null` stands for what is taken from elsewhere: from the
 * data (`size`, `classes`), from the model that `init` names (`preset`, `schedule`, `timesteps`, `prediction`, `variance`,
 * `dropout`), from that model's variance (`loss`), from `batch` (`microBatch`).
 */
export type Recipe = z.output<typeof schema>;

/** The options of a recipe as they are given: all can be left out. */
export type RecipeOptions = { readonly [K in keyof Recipe]?: Recipe[K] | undefined };

/** What in a recipe does not go together. */
export interface Fault {
  readonly key: keyof Recipe;
  /** What is allowed, as after "must be". */
  readonly message: string;
  readonly received: unknown;
}

/** Fills in what is not given: by the preset or, with `init` alone, by the model that it names. */
export const resolveRecipe = ({ preset, init, ...options }: RecipeOptions): Recipe => {
  const fromModel = init !== undefined && init !== null && (preset === undefined || preset === null);
  const name = fromModel ? null : preset ?? "digits";
  const base: PresetRecipe = name === null ? FINE_TUNING : PRESETS[name].recipe;
  const { variance, schedule, timesteps, prediction, dropout } = { ...base, ...(init ? MODEL_DECIDES : {}) };
  const chosen = options.variance ?? variance;
  return {
    data: options.data ?? base.data,
    size: options.size ?? base.size,
    classes: options.classes ?? null,
    classShares: options.classShares ?? base.classShares,
    preset: name,
    init: init ?? null,
    conditional: options.conditional ?? base.conditional,
    schedule: options.schedule ?? schedule,
    timesteps: options.timesteps ?? timesteps,
    prediction: options.prediction ?? prediction,
    lossWeighting: options.lossWeighting ?? base.lossWeighting,
    minSnrGamma: options.minSnrGamma ?? 5,
    variance: chosen,
    loss: options.loss ?? (chosen === null ? null : lossFor(chosen)),
    timestepSampling: options.timestepSampling ?? base.timestepSampling,
    steps: options.steps ?? base.steps,
    batch: options.batch ?? base.batch,
    // A batch that was chosen need not be a multiple of the preset's.
    microBatch: options.microBatch ?? (options.batch === undefined ? base.microBatch : fitting(base, options.batch)),
    lr: options.lr ?? base.lr,
    warmup: options.warmup ?? base.warmup,
    clip: options.clip ?? base.clip,
    ema: options.ema ?? [...base.ema],
    dropout: options.dropout ?? dropout,
    flip: options.flip ?? base.flip,
    labelDropout: options.labelDropout ?? base.labelDropout,
    seed: options.seed ?? 0,
    checkpointEvery: options.checkpointEvery ?? base.checkpointEvery,
    sampleEvery: options.sampleEvery ?? base.sampleEvery,
    keep: options.keep ?? 3,
    tensorboard: options.tensorboard ?? false,
    engine: options.engine ?? "auto",
  };
};

const MODEL_DECIDES = { variance: null, schedule: null, timesteps: null, prediction: null, dropout: null } as const;

/** What is minimized where nobody says: the hybrid if the variance is learned. */
export const lossFor = (variance: string): "simple" | "hybrid" => variance === "learned_range" ? "hybrid" : "simple";

/** The largest divisor of `batch` that is no larger than the preset's micro-batch. */
const fitting = ({ microBatch }: PresetRecipe, batch: number): number | null => {
  if (microBatch === null || batch <= microBatch) return null;
  let size = microBatch;
  while (batch % size !== 0) size--;
  return size;
};

/** Lists what in a recipe does not go together. */
export const faultsOf = (recipe: Recipe): Fault[] => {
  const { data, classes, preset, schedule, prediction, variance, loss, lossWeighting, batch, microBatch, ema } = recipe;
  const faults: (Fault | false)[] = [
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
  return faults.filter((fault) => fault !== false);
};

/**
 * Reads the recipe of a `config.json`, also of runs from before there were several averages.
 *
 * @throws {z.ZodError} if it is none
 */
export const parseRecipe = (json: unknown): Recipe => {
  const { ema } = json as { ema?: unknown };
  return schema.parse(typeof ema === "number" ? { ...json as object, ema: [ema] } : json);
};
