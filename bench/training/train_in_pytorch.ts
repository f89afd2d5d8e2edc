import { join } from "@std/path";
import { UsageError } from "../../commands/usage_error.ts";
import { openDataset } from "../../jobs/data/dataset.ts";
import { parseRecipe, type Recipe } from "../../jobs/recipe.ts";
import { startJsonProcess } from "../json_process.ts";
import { program } from "./programs.ts";
import { imagesOf, writeTask } from "./task.ts";

/** Steps between two lines of progress. */
const STRETCH = 100;

interface Stretch {
  readonly seconds: number;
  /** Mean over the steps. */
  readonly loss: number;
}

/** What the peer's loop does of all that a recipe can say. */
const ALLOWED = {
  init: [null],
  classShares: ["data"],
  loss: ["simple"],
  lossWeighting: ["uniform", "min_snr"],
  timestepSampling: ["uniform"],
  variance: ["fixed_small", "fixed_large"],
} as const satisfies { [K in keyof Recipe]?: readonly Recipe[K][] };

const readRecipe = async (config: string): Promise<Recipe> => {
  const recipe = parseRecipe(JSON.parse(await Deno.readTextFile(config)));
  for (const [key, allowed] of Object.entries(ALLOWED)) {
    const received = recipe[key as keyof typeof ALLOWED];
    if ((allowed as readonly unknown[]).includes(received)) continue;
    throw new UsageError(
      `config must have ${key} ${allowed.map(String).join(" or ")} for PyTorch, received ${received} (${config})`,
    );
  }
  return { ...recipe, microBatch: null };
};

/** Trains by a run's recipe, from the same first weights on the same images, and leaves the model as `sample` takes it. */
export const trainInPyTorch = async (
  { config, steps, out }: { readonly config: string; readonly steps?: number; readonly out: string },
): Promise<void> => {
  const recipe = await readRecipe(config);
  const last = steps ?? recipe.steps;
  using dataset = await openDataset(recipe.data!, {
    ...(recipe.size === null ? {} : { size: recipe.size }),
    ...(recipe.classes === null ? {} : { classes: recipe.classes }),
  });
  const { model } = await writeTask(out, { ...recipe, steps: last }, imagesOf(dataset));
  const peer = await startJsonProcess<{ steps: number } | { save: string }, Stretch>(
    program("pytorch channels_last", join(out, "task.json")),
  );
  console.error(`${peer.greeting.description}: ${dataset.count} images, ${last} steps of ${recipe.batch}`);
  let seconds = 0;
  for (let done = 0; done < last;) {
    const count = Math.min(STRETCH, last - done);
    const stretch = await peer.ask({ steps: count });
    done += count;
    seconds += stretch.seconds;
    const imagesPerSecond = count * recipe.batch / stretch.seconds;
    console.log(JSON.stringify({ step: done, steps: last, loss: stretch.loss, imagesPerSecond, seconds }));
  }
  await peer.ask({ save: join(model, "unet") });
  await peer.close();
  console.error(`written: ${model}`);
};
