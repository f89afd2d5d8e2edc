import { join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { compile } from "../../../engine/mod.ts";
import { createBatchOrder } from "../../../jobs/data/batch.ts";
import { type Dataset, DatasetError } from "../../../jobs/data/dataset.ts";
import { adam, type AdamScalars, adamScalars } from "../../../jobs/training/adam.ts";
import { removeQuietly, replaceFile } from "../../../jobs/training/durable.ts";
import { disposeState, downloadTensors, initialState, uploadState } from "../../../jobs/training/state.ts";
import { oneHot } from "../../../model/denoiser.ts";
import { encodeSafetensors, parseSafetensors, type StoredTensor } from "../../../model/safetensors.ts";
import { ExtractorError } from "../extractor_error.ts";
import { accuracyOn } from "./accuracy.ts";
import { shiftedImages } from "./batches.ts";
import { createClassifierExtractor } from "./classifier_extractor.ts";
import type { ClassifierConfig } from "./config.ts";
import { crossEntropy } from "./cross_entropy.ts";
import { readClassifier, writeClassifier } from "./files.ts";
import { initializeClassifier } from "./initialize.ts";
import { featuresOf, logitsOf } from "./network.ts";

/** How a classifier is trained. */
export interface ClassifierRecipe {
  readonly epochs: number;
  /** Images a step. */
  readonly batch: number;
  /** Adam's rate at the start; it falls to 0 along a line. */
  readonly lr: number;
  /** Pixels by which an image is moved at most, in each direction. */
  readonly shift: number;
  readonly seed: number;
}

const epochRecord = z.strictObject({ epoch: z.int(), loss: z.number(), testAccuracy: z.number(), seconds: z.number() });

/** What became of one epoch. */
export type EpochRecord = z.output<typeof epochRecord>;

/** The record of a training, and the state of one that is not done. */
const RECORD = "training.json", STATE = "state.safetensors";

const PARTS = ["weights", "firstMoments", "secondMoments"] as const;

const readRecord = async (folder: string): Promise<{ asked: unknown; epochs: EpochRecord[] } | null> => {
  try {
    const { asked, epochs } = JSON.parse(await Deno.readTextFile(join(folder, RECORD)));
    return { asked, epochs: z.array(epochRecord).parse(epochs) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new ExtractorError(`Cannot read ${join(folder, RECORD)}: it is damaged`, { cause: error });
  }
};

/** A training state's tensors as one safetensors file's, and back. */
const joined = (parts: ReadonlyMap<string, ReadonlyMap<string, StoredTensor>>): Map<string, StoredTensor> =>
  new Map(PARTS.flatMap((part) => Array.from(parts.get(part)!, ([name, tensor]) => [`${part}/${name}`, tensor])));

const split = (tensors: ReadonlyMap<string, StoredTensor>): Map<string, Map<string, StoredTensor>> =>
  new Map(PARTS.map((part) => [
    part,
    new Map(
      Array.from(tensors).filter(([name]) => name.startsWith(`${part}/`))
        .map(([name, tensor]) => [name.slice(part.length + 1), tensor]),
    ),
  ]));

/**
 * Trains a classifier on a dataset by Adam on the cross-entropy, and writes it into a folder: `config.json`,
 * `model.safetensors`, and `training.json` with what was asked and what came of each epoch. A training that was stopped
 * goes on after its last whole epoch, if the same is asked for again; the result is the same, bit for bit, on one engine.
 *
 * @returns the epochs
 * @throws {DatasetError} if the images have no classes, or the test images are others
 * @throws {ExtractorError} if the folder holds another training's
 * @throws the signal's reason, at the next step after it aborts
 */
export const trainClassifier = async (
  { train, test, shape, recipe, folder }: {
    train: Dataset;
    test: Dataset;
    shape: Pick<ClassifierConfig, "widths" | "features">;
    recipe: ClassifierRecipe;
    folder: string;
  },
  { signal, onStep, onEpoch }: {
    signal?: AbortSignal;
    onStep?: (step: { step: number; steps: number; loss: number }) => void;
    onEpoch?: (epoch: EpochRecord) => void;
  } = {},
): Promise<EpochRecord[]> => {
  const { height, width, channels, labels, classNames, count } = train;
  if (!labels || !classNames || classNames.length < 2) {
    throw new DatasetError(`${train.name} must have two classes or more: a classifier learns to tell them apart`);
  }
  if (!test.labels || `${test.classNames}` !== `${classNames}`) {
    throw new DatasetError(`${test.name} must have the classes of ${train.name}`);
  }
  if (test.height !== height || test.width !== width || test.channels !== channels) {
    throw new DatasetError(`${test.name} must have images of ${height}×${width}×${channels}, as ${train.name} has`);
  }
  const config: ClassifierConfig = {
    kind: "classifier",
    height,
    width,
    channels: channels as 1 | 3,
    ...shape,
    classNames: [...classNames],
  };
  const { batch, seed, shift, lr } = recipe;
  const stepsPerEpoch = Math.floor(count / batch);
  const steps = recipe.epochs * stepsPerEpoch;
  const asked = JSON.parse(JSON.stringify({ data: train.name, test: test.name, ...shape, ...recipe }));

  const record = await readRecord(folder);
  if (record && JSON.stringify(record.asked) !== JSON.stringify(asked)) {
    throw new ExtractorError(`${folder} holds a classifier of another training: ${JSON.stringify(record.asked)}`);
  }
  const epochs = record?.epochs ?? [];
  if (epochs.length === recipe.epochs) return epochs;
  await Deno.mkdir(folder, { recursive: true });
  const state = epochs.length === 0
    ? initialState(initializeClassifier(config, seed), { rates: [] })
    : uploadState({ step: 0, tensors: split(parseSafetensors(await Deno.readFile(join(folder, STATE)))), numbers: {} });
  let parts = PARTS.map((part) => Object.fromEntries(state.tensors.get(part)!));

  const update = compile((
    [weights, first, second]: Record<string, tf.Tensor>[],
    x: tf.Tensor4D,
    targets: tf.Tensor2D,
    scalars: AdamScalars<tf.Scalar>,
  ) => {
    const names = Object.keys(weights);
    const lossOf = (...tensors: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
      return tf.mean(crossEntropy(logitsOf(featuresOf(x, named, config), named), targets)) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(lossOf)(Object.values(weights));
    const updated = names.map((name, i) => adam(weights[name], grads[i], first[name], second[name], scalars));
    const each = (part: "weight" | "firstMoment" | "secondMoment") =>
      Object.fromEntries(names.map((name, i) => [name, updated[i][part]]));
    return { loss: value as tf.Tensor, parts: [each("weight"), each("firstMoment"), each("secondMoment")] };
  });

  const takeStep = (step: number, indices: ArrayLike<number>): number => {
    const images = shiftedImages(train, indices, { seed, place: step * batch, shift });
    const chosen = Array.from({ length: batch }, (_, i) => labels[indices[i]]);
    const { rate, secondScale } = adamScalars({ learningRate: lr * (1 - step / steps), step: step + 1 });
    const inputs = {
      x: tf.tensor4d(images, [batch, height, width, channels]),
      targets: tf.tensor2d(oneHot(chosen, classNames.length), [batch, classNames.length]),
      scalars: { rate: tf.scalar(rate), secondScale: tf.scalar(secondScale) },
    };
    const done = update(parts, inputs.x, inputs.targets, inputs.scalars);
    const loss = done.loss.dataSync()[0];
    tf.dispose([parts, inputs.x, inputs.targets, inputs.scalars.rate, inputs.scalars.secondScale, done.loss]);
    parts = done.parts;
    return loss;
  };

  const download = () =>
    new Map(PARTS.map((part, i) => [part as string, downloadTensors(new Map(Object.entries(parts[i])))]));

  try {
    const orderOf = createBatchOrder({ length: count, batchSize: batch, seed });
    for (let epoch = epochs.length; epoch < recipe.epochs; epoch++) {
      const started = performance.now();
      let sum = 0;
      for (let i = 0; i < stepsPerEpoch; i++) {
        await new Promise<void>((resume) => setTimeout(resume, 0));
        signal?.throwIfAborted();
        const step = epoch * stepsPerEpoch + i;
        const loss = takeStep(step, orderOf(step));
        sum += loss;
        onStep?.({ step: step + 1, steps, loss });
      }
      const tensors = download();
      await writeClassifier(folder, { config, weights: tensors.get("weights")! });
      using extractor = createClassifierExtractor(await readClassifier(folder), { name: folder });
      const told = {
        epoch: epoch + 1,
        loss: sum / stepsPerEpoch,
        testAccuracy: await accuracyOn(extractor, test, { signal }),
        seconds: (performance.now() - started) / 1000,
      };
      epochs.push(told);
      await replaceFile(join(folder, STATE), encodeSafetensors(joined(tensors)));
      await replaceFile(join(folder, RECORD), `${JSON.stringify({ asked, epochs }, null, 2)}\n`);
      onEpoch?.(told);
    }
    removeQuietly(join(folder, STATE));
    return epochs;
  } finally {
    update.dispose();
    disposeState({ ...state, tensors: new Map(parts.map((part, i) => [PARTS[i], new Map(Object.entries(part))])) });
  }
};
