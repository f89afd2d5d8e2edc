import { join } from "@std/path";
import { UsageError } from "../../commands/cli/command.ts";
import { INTERRUPTED, listenForInterrupt } from "../../commands/cli/interrupt.ts";
import { openDataset } from "../../datasets/open.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { parseRecipe, type Recipe } from "../../training/recipe.ts";
import { objectiveOf, resolveModel, type RunModel } from "../../training/run_model.ts";
import { startJsonProcess } from "../json_process.ts";
import { taskImages, trainingProgram, type TrainingTask, writeTask } from "./task.ts";

/** Steps between two lines of progress, and between two states that are kept. */
const STRETCH = 100, KEEP_EVERY = 1000;

type Question = { steps: number } | { save: string } | { keep: string } | { restore: string };

interface Answer extends Stretch {
  /** Steps of the state that was restored. */
  readonly done: number;
}

interface Stretch {
  readonly seconds: number;
  /** Mean over the steps. */
  readonly loss: number;
}

/** What the peer's loop does of all that a recipe can say. */
const ALLOWED = {
  loss: ["simple"],
  lossWeighting: ["uniform", "min_snr"],
  timestepSampling: ["uniform"],
  variance: ["fixed_small", "fixed_large"],
} as const satisfies { [K in keyof Recipe]?: readonly Recipe[K][] };

const readRecipe = async (config: string, init: string | undefined): Promise<Recipe> => {
  const recipe = parseRecipe(JSON.parse(await Deno.readTextFile(config)));
  return { ...recipe, init: init ?? recipe.init, microBatch: null };
};

/** @throws {UsageError} if a recipe, or what it takes from the model it starts from, asks what the peer's loop does not do */
const checkRecipe = (config: string, recipe: Recipe, model: RunModel): void => {
  const { loss, variance } = objectiveOf(recipe, model);
  const resolved = { ...recipe, loss, variance };
  for (const [key, allowed] of Object.entries(ALLOWED)) {
    const received = resolved[key as keyof typeof ALLOWED];
    if ((allowed as readonly unknown[]).includes(received)) continue;
    throw new UsageError(
      `config must have ${key} ${allowed.join(" or ")} for PyTorch, received ${received} (${config})`,
    );
  }
};

/** @throws {UsageError} if what a folder keeps is of another recipe, but for its number of steps */
const readTask = async (out: string, recipe: Recipe): Promise<TrainingTask> => {
  const task: TrainingTask = JSON.parse(await Deno.readTextFile(join(out, "task.json")));
  const { steps } = recipe;
  if (JSON.stringify({ ...task.recipe, steps }) === JSON.stringify(recipe)) return task;
  throw new UsageError(
    `out must be a folder of this recipe or a new one, received ${out}, which keeps another's state`,
  );
};

/**
 * Trains by a run's recipe, from the same first weights on the same images, and leaves the model as `sample` takes it.
 * Ctrl-C keeps its state; the same command goes on from there, and so does one with more steps.
 *
 * @returns the exit code
 */
export const trainInPyTorch = async (
  { config, init, steps, out }: {
    readonly config: string;
    readonly init?: string;
    readonly steps?: number;
    readonly out: string;
  },
): Promise<number> => {
  const recipe = await readRecipe(config, init);
  const start = recipe.init === null ? null : await loadPipeline(recipe.init);
  const last = steps ?? recipe.steps, state = join(out, "state.pt");
  const isKept = await Deno.stat(state).then(() => true, () => false);
  using interrupt = listenForInterrupt();
  using dataset = await openDataset(recipe.data!, {
    ...(recipe.size === null ? {} : { size: recipe.size }),
    ...(recipe.classes === null ? {} : { classes: recipe.classes }),
  });
  checkRecipe(config, recipe, resolveModel(recipe, dataset, start));
  const { model } = isKept ? await readTask(out, recipe) : await writeTask(out, recipe, taskImages(dataset), start);
  const peer = await startJsonProcess<Question, Answer>(
    trainingProgram("pytorch channels_last", join(out, "task.json")),
  );
  console.error(`${peer.greeting.description}: ${dataset.count} images, ${last} steps of ${recipe.batch}`);
  let done = isKept ? (await peer.request({ restore: state })).done : 0;
  if (done > last) {
    await peer.close();
    throw new UsageError(`steps must be at least ${done}, which ${out} has, received ${last}`);
  }
  let seconds = 0;
  while (done < last && !interrupt.signal.aborted) {
    const count = Math.min(STRETCH, last - done);
    const stretch = await peer.request({ steps: count });
    done += count;
    seconds += stretch.seconds;
    const imagesPerSecond = count * recipe.batch / stretch.seconds;
    console.log(JSON.stringify({ step: done, steps: last, loss: stretch.loss, imagesPerSecond, seconds }));
    if (done % KEEP_EVERY === 0) await peer.request({ keep: state });
  }
  await peer.request({ keep: state });
  await peer.request({ save: join(model, "unet") });
  await peer.close();
  console.error(`written after ${done} steps: ${model}`);
  return done < last ? INTERRUPTED : 0;
};
