import { join } from "@std/path";
import { normal } from "../../core/mod.ts";
import type { NpyArray } from "../../formats/npy.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { openDataset } from "../../jobs/data/dataset.ts";
import { type Recipe, resolveRecipe } from "../../jobs/recipe.ts";
import { describeModel } from "../../jobs/training/run_model.ts";
import { initializeUNet } from "../../model/initialize.ts";
import { savePipeline } from "../../model/pipeline.ts";

/** What every contender is to do. */
export interface Task {
  readonly recipe: Recipe;
  /** An .npz of `images`, uint8 NHWC, and `labels`, if the recipe is conditional. */
  readonly data: string;
  /** Folder of the model, with the first weights. */
  readonly model: string;
}

const COUNT = 4096;

/** MNIST's first images; noise in place of CIFAR-10's, which has to be fetched: what it shows does not change the work. */
const images = async (preset: "digits" | "cifar10"): Promise<{ images: NpyArray; labels?: NpyArray }> => {
  if (preset === "cifar10") {
    const data = Uint8Array.from({ length: COUNT * 32 * 32 * 3 }, (_, i) => 128 + 40 * normal(1, 0, 0, i));
    return { images: { dtype: "uint8", shape: [COUNT, 32, 32, 3], data } };
  }
  using dataset = await openDataset("mnist");
  const { height, width, channels } = dataset, size = height * width * channels;
  const data = new Uint8Array(COUNT * size);
  for (let i = 0; i < COUNT; i++) dataset.read(i, data.subarray(i * size, (i + 1) * size));
  return {
    images: { dtype: "uint8", shape: [COUNT, height, width, channels], data },
    labels: { dtype: "int32", shape: [COUNT], data: Int32Array.from(dataset.labels!.subarray(0, COUNT)) },
  };
};

/** Writes a task's files into a folder. */
export const writeTask = async (folder: string, preset: "digits" | "cifar10", batch: number): Promise<Task> => {
  const data = join(folder, "images.npz"), model = join(folder, "model");
  const arrays = await images(preset);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(data, encodeNpz({ ...arrays }));
  const never = 100_000_000;
  const recipe = resolveRecipe({
    preset,
    data,
    batch,
    microBatch: batch,
    steps: never,
    checkpointEvery: never,
    sampleEvery: never,
  });
  const [, height, width, channels] = arrays.images.shape;
  const classNames = arrays.labels ? Array.from({ length: 10 }, (_, i) => `${i}`) : null;
  const described = describeModel(recipe, { height, width, channels, classNames }, null);
  await savePipeline({ ...described, folder: model, weights: initializeUNet(described.unet, recipe.seed) });
  await Deno.writeTextFile(join(folder, "task.json"), JSON.stringify({ recipe, data, model }));
  return { recipe, data, model };
};
