import { join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { fillNormal, uniform } from "../../core/noise.ts";
import { createBatchOrder } from "../../datasets/batch.ts";
import { type Dataset, DatasetError } from "../../datasets/dataset.ts";
import { compile } from "../../engine/mod.ts";
import { removeQuietly, replaceFile } from "../../files/durable.ts";
import { oneHot } from "../../model/denoiser.ts";
import { encodeSafetensors, parseWeights, type StoredTensor } from "../../model/safetensors.ts";
import { compareData, type DataFacts, dataFactsOf } from "../../training/data_facts.ts";
import { DivergedError } from "../../training/errors.ts";
import { adam, type AdamScalars, adamScalars } from "../../training/optimizer.ts";
import { disposeState, downloadTensors, initialState, uploadState } from "../../training/state.ts";
import { ExtractorError } from "../error.ts";
import {
  type ClassifierConfig,
  classifierParameters,
  createClassifierExtractor,
  featuresOf,
  logitsOf,
  readClassifier,
  writeClassifier,
} from "./classifier.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";

/** The domain of the draws that classifiers are trained with. */
const CLASSIFIER_DOMAIN = 0xc1a5;

/**
 * The weights that a classifier's training starts from: normal with a variance of 2 / fan-in (He et al. 2015), biases
 * zero.
 *
 * @returns in PyTorch's layout
 */
const initializeClassifier = (config: ClassifierConfig, seed: number): Map<string, StoredTensor> =>
  new Map(
    classifierParameters(config).map(({ name, shape }, sample) => {
      const data = new Float32Array(shape.reduce((product, n) => product * n, 1));
      if (shape.length > 1) {
        fillNormal(data, { seed, sample, step: 0, domain: CLASSIFIER_DOMAIN });
        const scale = Math.sqrt(2 * shape[0] / data.length);
        for (let i = 0; i < data.length; i++) data[i] *= scale;
      }
      return [name, { shape, data }];
    }),
  );

/** Where the offsets of shifted images are drawn from, apart from the weights. */
const SHIFT_STEP = 1;

/** Copies an image, moved by (dx, dy) pixels; what comes in from outside is black. */
const shiftImage = (
  image: Uint8Array,
  { height, width, channels }: { height: number; width: number; channels: number },
  { dx, dy }: { dx: number; dy: number },
  into: Float32Array,
  at: number,
): void => {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromY, fromX] = [y - dy, x - dx];
      const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
      for (let c = 0; c < channels; c++) {
        into[at++] = inside ? image[(fromY * width + fromX) * channels + c] / 127.5 - 1 : -1;
      }
    }
  }
};

/**
 * Gathers images for a classifier's training, each moved by up to `shift` pixels in both directions: by how many is a
 * function of the seed and of the image's index in the endless order of training alone.
 *
 * @param firstIndex the index of the first image
 * @returns flat NHWC in [−1, 1]
 */
const shiftedImages = (
  dataset: Dataset,
  indices: ArrayLike<number>,
  { seed, firstIndex, shift }: { seed: number; firstIndex: number; shift: number },
): Float32Array<ArrayBuffer> => {
  const { height, width, channels } = dataset;
  const size = height * width * channels;
  const image = new Uint8Array(size);
  const images = new Float32Array(indices.length * size);
  const draw = (i: number, axis: number) =>
    Math.floor(uniform(seed, firstIndex + i, SHIFT_STEP, axis, CLASSIFIER_DOMAIN) * (2 * shift + 1)) - shift;
  for (let i = 0; i < indices.length; i++) {
    dataset.read(indices[i], image);
    shiftImage(image, dataset, { dx: draw(i, 0), dy: draw(i, 1) }, images, i * size);
  }
  return images;
};

const withGradient = tf.customGrad((logits, targets, save) => {
  const [x, wanted] = [logits as tf.Tensor2D, targets as tf.Tensor2D];
  const shifted = tf.sub(x, tf.max(x, 1, true));
  const exponentials = tf.exp(shifted);
  const sums = tf.sum(exponentials, 1, true);
  (save as tf.GradSaveFunc)([tf.sub(tf.div(exponentials, sums), wanted)]);
  const value = tf.sub(tf.log(tf.squeeze(sums, [1])), tf.sum(tf.mul(wanted, shifted), 1));
  return {
    value,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => [tf.mul(tf.expandDims(dy, 1), saved[0]), tf.zerosLike(wanted)],
  };
});

/**
 * Cross-entropy of each row, −log softmax(logits) of its class, for logits of any size.
 *
 * @param targets rows of zeros with a one, [B, classes]
 * @returns [B]
 */
const crossEntropy = (logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Tensor1D =>
  withGradient(logits, targets) as tf.Tensor1D;

/** Images classified together. */
const BATCH = 250;

const largest = (row: Float32Array): number => row.reduce((best, value, i) => value > row[best] ? i : best, 0);

/**
 * The share of a dataset's images that are given their own class.
 *
 * @throws the signal's reason, between two batches
 */
export const measureAccuracy = async (
  extractor: FeatureExtractor,
  dataset: Dataset,
  { signal }: { signal?: AbortSignal } = {},
): Promise<number> => {
  const { count, height, width, channels, labels } = dataset;
  const size = height * width * channels;
  let right = 0;
  for (let first = 0; first < count; first += BATCH) {
    await new Promise<void>((resume) => setTimeout(resume, 0));
    signal?.throwIfAborted();
    const n = Math.min(BATCH, count - first);
    const data = new Uint8Array(n * size);
    for (let i = 0; i < n; i++) dataset.read(first + i, data, i * size);
    const logits = extractor.classify(extractor.extract({ data, height, width, channels }));
    for (let i = 0; i < n; i++) {
      const row = logits.subarray(i * extractor.classes, (i + 1) * extractor.classes);
      if (largest(row) === labels![first + i]) right++;
    }
  }
  return right / count;
};

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

/** What a training was asked for. */
interface AskedTraining {
  /** The names of the images, and the recipe. */
  readonly asked: { readonly data: string; readonly test: string; readonly [setting: string]: unknown };
  /** What the images are; absent in records from before that was kept. */
  readonly images?: { readonly data: DataFacts; readonly test: DataFacts };
}

const trainingRecord = z.object({
  asked: z.looseObject({ data: z.string(), test: z.string() }),
  images: z.custom<AskedTraining["images"]>().optional(),
  epochs: z.array(epochRecord),
});

/**
 * Checks that a folder's record is of the training that is asked for; what the images are called matters only where
 * nothing else is known of them.
 *
 * @throws {ExtractorError} that says what differs
 */
const checkRecord = (folder: string, before: AskedTraining, { asked, images }: Required<AskedTraining>): void => {
  const settings = ({ data: _, test: __, ...rest }: AskedTraining["asked"]) => JSON.stringify(rest);
  const hasOtherNames = before.asked.data !== asked.data || before.asked.test !== asked.test;
  if (settings(before.asked) !== settings(asked) || (!before.images && hasOtherNames)) {
    throw new ExtractorError(`${folder} holds a classifier of another training: ${JSON.stringify(before.asked)}`);
  }
  for (const part of before.images ? ["data", "test"] as const : []) {
    const difference = compareData(before.images![part], images[part]);
    if (difference === null) continue;
    throw new ExtractorError(`${folder} holds a classifier of another training: of its --${part}, ${difference}`);
  }
};

const readRecord = async (folder: string): Promise<z.output<typeof trainingRecord> | null> => {
  try {
    return trainingRecord.parse(JSON.parse(await Deno.readTextFile(join(folder, RECORD))));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new ExtractorError(`Cannot read ${join(folder, RECORD)}: it is damaged`, { cause: error });
  }
};

/** A training state's tensors as one safetensors file's, and back. */
const joinParts = (parts: ReadonlyMap<string, ReadonlyMap<string, StoredTensor>>): Map<string, StoredTensor> =>
  new Map(PARTS.flatMap((part) => Array.from(parts.get(part)!, ([name, tensor]) => [`${part}/${name}`, tensor])));

const splitParts = (tensors: ReadonlyMap<string, StoredTensor>): Map<string, Map<string, StoredTensor>> =>
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
 * @throws {DivergedError} if the loss is no number any more; what the last whole epoch made stays
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
  const requested = {
    asked: { data: train.name, test: test.name, ...shape, ...recipe },
    images: { data: dataFactsOf(train), test: dataFactsOf(test) },
  };

  const record = await readRecord(folder);
  if (record) checkRecord(folder, record, requested);
  const epochs = record?.epochs ?? [];
  if (epochs.length === recipe.epochs) return epochs;
  await Deno.mkdir(folder, { recursive: true });
  const state = epochs.length === 0 ? initialState(initializeClassifier(config, seed), { rates: [] }) : uploadState({
    step: 0,
    tensors: splitParts(parseWeights(await Deno.readFile(join(folder, STATE)))),
    numbers: {},
  });
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
    const images = shiftedImages(train, indices, { seed, firstIndex: step * batch, shift });
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
        if (!Number.isFinite(loss)) {
          throw new DivergedError(`Cannot go on: the loss became ${loss} at step ${step + 1}. A lower --lr may help`);
        }
        sum += loss;
        onStep?.({ step: step + 1, steps, loss });
      }
      const tensors = download();
      await writeClassifier(folder, { config, weights: tensors.get("weights")! });
      using extractor = createClassifierExtractor(await readClassifier(folder), { name: folder });
      const epochResult = {
        epoch: epoch + 1,
        loss: sum / stepsPerEpoch,
        testAccuracy: await measureAccuracy(extractor, test, { signal }),
        seconds: (performance.now() - started) / 1000,
      };
      epochs.push(epochResult);
      await replaceFile(join(folder, STATE), encodeSafetensors(joinParts(tensors)));
      await replaceFile(join(folder, RECORD), `${JSON.stringify({ ...requested, epochs }, null, 2)}\n`);
      onEpoch?.(epochResult);
    }
    removeQuietly(join(folder, STATE));
    return epochs;
  } finally {
    update.dispose();
    disposeState({ ...state, tensors: new Map(parts.map((part, i) => [PARTS[i], new Map(Object.entries(part))])) });
  }
};
