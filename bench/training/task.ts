import { fromFileUrl, join } from "@std/path";
import { normal } from "../../core/mod.ts";
import type { Dataset } from "../../datasets/dataset.ts";
import { openDataset } from "../../datasets/open.ts";
import type { NpyArray } from "../../formats/npy.ts";
import { encodeNpz } from "../../formats/npz.ts";
import { type Pipeline, savePipeline } from "../../model/pipeline.ts";
import { type Recipe, resolveRecipe } from "../../training/recipe.ts";
import { initialWeights, resolveModel } from "../../training/run_model.ts";
import type { ContenderProgram } from "../json_process.ts";

/** What every contender is to do. */
export interface TrainingTask {
  readonly recipe: Recipe;
  /** An .npz of `images`, uint8 NHWC, and `labels`, if the recipe is conditional. */
  readonly data: string;
  /** Folder of the model, with the first weights. */
  readonly model: string;
}

/** Images as a task's .npz has them. */
export interface TaskImages {
  readonly images: NpyArray;
  readonly labels?: NpyArray;
  readonly classNames: readonly string[] | null;
}

/** The first images of a dataset; all of them by default. */
export const taskImages = (dataset: Dataset, count = dataset.count): TaskImages => {
  const { height, width, channels, labels, classNames } = dataset, size = height * width * channels;
  const data = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) dataset.read(i, data, i * size);
  return {
    images: { dtype: "uint8", shape: [count, height, width, channels], data },
    ...(labels ? { labels: { dtype: "int32", shape: [count], data: Int32Array.from(labels.subarray(0, count)) } } : {}),
    classNames,
  };
};

const COUNT = 4096;

/** MNIST's first images; noise in place of CIFAR-10's, which has to be fetched: what it shows does not change the work. */
const imagesToTime = async (preset: "digits" | "cifar10"): Promise<TaskImages> => {
  if (preset === "cifar10") {
    const data = Uint8Array.from({ length: COUNT * 32 * 32 * 3 }, (_, i) => 128 + 40 * normal(1, 0, 0, i));
    return { images: { dtype: "uint8", shape: [COUNT, 32, 32, 3], data }, classNames: null };
  }
  using dataset = await openDataset("mnist");
  return taskImages(dataset, COUNT);
};

/**
 * Writes a task's files into a folder: the images, the first weights, and `task.json`.
 *
 * @param init the model that the recipe's `init` names
 */
export const writeTask = async (
  folder: string,
  recipe: Recipe,
  arrays: TaskImages,
  init: Pipeline | null = null,
): Promise<TrainingTask> => {
  const data = join(folder, "images.npz"), model = join(folder, "model");
  const { classNames, ...files } = arrays;
  const [, height, width, channels] = arrays.images.shape;
  const described = resolveModel(recipe, { height, width, channels, classNames }, init);
  const weights = initialWeights(described, init, { seed: recipe.seed, notice: (message) => console.error(message) });
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(data, encodeNpz({ ...files }));
  await savePipeline({ ...described, folder: model, weights });
  const task = { recipe, data, model };
  await Deno.writeTextFile(join(folder, "task.json"), JSON.stringify(task));
  return task;
};

/** Writes the task of a preset that is timed, without an end. */
export const writeTimedTask = async (
  folder: string,
  preset: "digits" | "cifar10",
  batch: number,
): Promise<TrainingTask> => {
  const never = 100_000_000;
  const recipe = resolveRecipe({
    preset,
    data: join(folder, "images.npz"),
    batch,
    microBatch: batch,
    steps: never,
    checkpointEvery: never,
    sampleEvery: never,
  });
  return await writeTask(folder, recipe, await imagesToTime(preset));
};

/** The names of those to which the others are compared, by the faster of them. */
export const TRAINING_PEERS: readonly string[] = ["pytorch contiguous", "pytorch channels_last"];

/** All names, in the order of the table. */
export const TRAINING_CONTENDERS = [...TRAINING_PEERS, "denoise tensorflow", "denoise xla", "denoise wasm"] as const;

const beside = (file: string) => fromFileUrl(new URL(file, import.meta.url));

/**
 * How a contender is started.
 *
 * @param task path of a JSON file, a {@linkcode import("./task.ts").Task}
 */
export const trainingProgram = (name: string, task: string): ContenderProgram => {
  const [family, kind] = name.split(" ");
  if (family === "pytorch") return { name, command: "python3", args: [beside("pytorch.py"), kind, task] };
  const permissions = [
    "--allow-read=.",
    "--allow-write=runs,data/.prepared",
    ...kind !== "wasm"
      ? [
        "--allow-ffi=.tensorflow",
        "--allow-env=DENOISE_TENSORFLOW,ORT_DISABLE_TELEMETRY,TF_CPP_MIN_LOG_LEVEL,TF_ENABLE_ONEDNN_OPTS,TF_XLA_FLAGS,XDG_RUNTIME_DIR",
      ]
      : [],
  ];
  return {
    name,
    command: Deno.execPath(),
    args: ["run", "--no-prompt", ...permissions, beside("denoise.ts"), kind, task],
  };
};
