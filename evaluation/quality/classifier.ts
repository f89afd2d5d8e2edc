import { join } from "@std/path";
import * as tf from "@tensorflow/tfjs-core";
import { createHash } from "node:crypto";
import { z } from "zod";
import { compile } from "../../engine/mod.ts";
import { readTensor } from "../../engine/read_tensor.ts";
import { replaceFile } from "../../files/durable.ts";
import { fromBytes } from "../../formats/pixels.ts";
import { bucketOf, padTo } from "../../model/bucket.ts";
import { conv, linear, silu } from "../../model/layers.ts";
import { encodeSafetensors, parseWeights, type StoredTensor } from "../../model/safetensors.ts";
import { uploadWeights } from "../../model/weights.ts";
import { ExtractorError } from "../error.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";

/** Side of every convolution's window, in pixels. */
const WINDOW = 3;

const extent = z.int().min(1).max(4096);

/** What `config.json` says of a classifier. */
const classifierConfig = z.strictObject({
  kind: z.literal("classifier"),
  height: extent,
  width: extent,
  /** 1: gray, 3: RGB. */
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Channels of each level; from one to the next, height and width halve. */
  widths: z.array(z.int().min(1).max(4096)).min(1).max(8),
  /** Outputs of the layer before the last. */
  features: z.int().min(1).max(4096),
  /** Names of the classes, by index. */
  classNames: z.array(z.string()).min(2),
});

/** The shape of a classifier. */
export type ClassifierConfig = z.output<typeof classifierConfig>;

/** One parameter: its name, and its shape in PyTorch's layout. */
export interface ClassifierParameter {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A convolution of the network, in the order in which they run. */
export interface ClassifierConv {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly strides: 1 | 2;
}

/** The convolutions: one at full size, then two a level, of which the first halves height and width. */
const convolutionsOf = ({ channels, widths }: ClassifierConfig): ClassifierConv[] => [
  { name: "stem", from: channels, to: widths[0], strides: 1 },
  ...widths.slice(1).flatMap((to, i): ClassifierConv[] => [
    { name: `levels.${i}.down`, from: widths[i], to, strides: 2 },
    { name: `levels.${i}.conv`, from: to, to, strides: 1 },
  ]),
];

/** Values that are left of an image after the last convolution. */
const flatSize = ({ height, width, widths }: ClassifierConfig): number => {
  const halved = (side: number) => Math.ceil(side / 2 ** (widths.length - 1));
  return halved(height) * halved(width) * widths[widths.length - 1];
};

/** Every parameter of a classifier; weights are OIHW and [out, in]. */
export const classifierParameters = (config: ClassifierConfig): ClassifierParameter[] => {
  const layers = [
    ...convolutionsOf(config).map(({ name, from, to }) => ({ name, shape: [to, from, WINDOW, WINDOW] })),
    { name: "features", shape: [config.features, flatSize(config)] },
    { name: "classes", shape: [config.classNames.length, config.features] },
  ];
  return layers.flatMap(({ name, shape }) => [
    { name: `${name}.weight`, shape },
    { name: `${name}.bias`, shape: [shape[0]] },
  ]);
};

/** A network's parameters on the engine, by name: convolutions are HWIO, linear layers [in, out]. */
export type ClassifierTensors = Readonly<Record<string, tf.Tensor>>;

const linearLayer = (x: tf.Tensor2D, name: string, tensors: ClassifierTensors): tf.Tensor2D =>
  linear(x, tensors[`${name}.weight`] as tf.Tensor2D, tensors[`${name}.bias`] as tf.Tensor1D);

/**
 * The features of images, by a small convolutional network: 3×3 convolutions with SiLU, of which every second halves the
 * image, then a linear layer with SiLU. That has no dead units, so that no feature is constant.
 *
 * @param x [B, H, W, C] in [−1, 1]
 * @returns [B, features]
 */
export const featuresOf = (x: tf.Tensor4D, tensors: ClassifierTensors, config: ClassifierConfig): tf.Tensor2D => {
  const last = convolutionsOf(config).reduce((image, { name, strides }) => {
    const [weight, bias] = [tensors[`${name}.weight`] as tf.Tensor4D, tensors[`${name}.bias`] as tf.Tensor1D];
    return silu(conv(image, weight, bias, { strides, padding: 1 }));
  }, x);
  return silu(linearLayer(tf.reshape(last, [x.shape[0], -1]) as tf.Tensor2D, "features", tensors));
};

/** The logits of features, [B, classes]: a linear layer. */
export const logitsOf = (features: tf.Tensor2D, tensors: ClassifierTensors): tf.Tensor2D =>
  linearLayer(features, "classes", tensors);

/** Names of a classifier's files in its folder. */
const CLASSIFIER_FILES = { config: "config.json", weights: "model.safetensors" } as const;

/** A classifier as it lies on disk. */
export interface StoredClassifier {
  readonly config: ClassifierConfig;
  /** In PyTorch's layout: OIHW, [out, in]. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** SHA-256 of both files. */
  readonly digest: string;
}

const parseConfig = (text: string): ClassifierConfig => {
  try {
    return classifierConfig.parse(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new ExtractorError("it is not JSON", { cause });
    if (!(cause instanceof z.ZodError)) throw cause;
    const [{ path, message }] = cause.issues;
    throw new ExtractorError(`${path.join(".") || "it"}: ${message}`, { cause });
  }
};

const checkWeights = (config: ClassifierConfig, weights: ReadonlyMap<string, StoredTensor>): void => {
  const parameters = classifierParameters(config);
  for (const { name, shape } of parameters) {
    const found = weights.get(name);
    if (!found) throw new ExtractorError(`tensor ${name} is missing`);
    if (`${found.shape}` !== `${shape}`) {
      throw new ExtractorError(`tensor ${name} must have shape [${shape}], received [${found.shape}]`);
    }
  }
  if (weights.size !== parameters.length) {
    throw new ExtractorError(`it must hold ${parameters.length} tensors, received ${weights.size}`);
  }
};

/**
 * Reads a classifier's folder.
 *
 * @throws {ExtractorError} if it is missing, damaged, or something else
 */
export const readClassifier = async (folder: string): Promise<StoredClassifier> => {
  const hash = createHash("sha256");
  const read = async <T>(name: string, parse: (bytes: Uint8Array<ArrayBuffer>) => T): Promise<T> => {
    const path = join(folder, name);
    try {
      const bytes = await Deno.readFile(path);
      hash.update(bytes);
      return parse(bytes);
    } catch (cause) {
      if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) throw cause;
      const reason = cause instanceof Deno.errors.NotFound ? "there is no such file" : cause.message;
      throw new ExtractorError(`Cannot read ${path}: ${reason}`, { cause });
    }
  };
  const config = await read(CLASSIFIER_FILES.config, (bytes) => parseConfig(new TextDecoder().decode(bytes)));
  const weights = await read(CLASSIFIER_FILES.weights, (bytes) => {
    const tensors = parseWeights(bytes);
    checkWeights(config, tensors);
    return tensors;
  });
  return { config, weights, digest: hash.digest("hex") };
};

/** Writes a classifier into a folder, which is there: `config.json` and `model.safetensors`. */
export const writeClassifier = async (
  folder: string,
  { config, weights }: Pick<StoredClassifier, "config" | "weights">,
): Promise<void> => {
  await replaceFile(join(folder, CLASSIFIER_FILES.weights), encodeSafetensors(weights));
  await replaceFile(join(folder, CLASSIFIER_FILES.config), `${JSON.stringify(config, null, 2)}\n`);
};

const EXTRACTION_BATCH = 250;

/**
 * A classifier as an extractor: the layer before the last gives the features, the last the logits. It takes images of its
 * own size alone; RGB images that are all gray are taken by one that was trained on gray ones.
 */
export const createClassifierExtractor = (
  { config, weights: stored, digest }: StoredClassifier,
  { name }: { name: string },
): FeatureExtractor => {
  const { height, width, channels, features: featureCount, classNames } = config;
  const classes = classNames.length;
  const weights = Object.fromEntries(uploadWeights(stored));
  const network = compile((x: tf.Tensor4D) => featuresOf(x, weights, config));
  const size = height * width * channels;

  const check: FeatureExtractor["check"] = (extent) => {
    const fits = extent.height === height && extent.width === width;
    if (!fits || (extent.channels !== channels && !(extent.channels === 3 && channels === 1))) {
      throw new ExtractorError(
        `${name} takes images of ${height}×${width}×${channels}, received ` +
          `${extent.height}×${extent.width}×${extent.channels}; --features names another extractor`,
      );
    }
  };

  return {
    name,
    digest,
    featureCount,
    classes,
    resize: "none",
    batch: EXTRACTION_BATCH,
    check,
    extract: (images) => {
      check(images);
      const data = images.channels === channels ? images.data : rgbAsGray(images.data, name);
      const n = data.length / size, rows = bucketOf(n);
      const features = readTensor(() =>
        network(tf.tensor4d(padTo(fromBytes(data), rows * size), [rows, height, width, channels]))
      );
      return features.slice(0, n * featureCount);
    },
    classify: (features) =>
      readTensor(() => {
        const rows = tf.tensor2d(features, [features.length / featureCount, featureCount]);
        return logitsOf(rows, weights);
      }),
    [Symbol.dispose]: () => {
      network.dispose();
      tf.dispose(weights);
    },
  };
};

/** One channel of RGB images that are gray. */
const rgbAsGray = (data: Uint8Array, name: string): Uint8Array => {
  const gray = new Uint8Array(data.length / 3);
  for (let i = 0, at = 0; i < gray.length; i++, at += 3) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) {
      throw new ExtractorError(`${name} takes gray images, received one in colour`);
    }
    gray[i] = data[at];
  }
  return gray;
};
