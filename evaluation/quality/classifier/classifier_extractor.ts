import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../../engine/mod.ts";
import { readTensor } from "../../../engine/read_tensor.ts";
import { fromBytes } from "../../../formats/pixels.ts";
import { bucketOf, padTo } from "../../../model/bucket.ts";
import { uploadWeights } from "../../../model/weights.ts";
import { ExtractorError } from "../extractor_error.ts";
import type { FeatureExtractor } from "../feature_extractor.ts";
import type { StoredClassifier } from "./files.ts";
import { featuresOf, logitsOf } from "./network.ts";

const BATCH = 250;

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
          `${extent.height}×${extent.width}×${extent.channels}`,
      );
    }
  };

  return {
    name,
    digest,
    featureCount,
    classes,
    resize: "none",
    batch: BATCH,
    check,
    extract: (images) => {
      check(images);
      const data = images.channels === channels ? images.data : oneChannel(images.data, name);
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
const oneChannel = (data: Uint8Array, name: string): Uint8Array => {
  const gray = new Uint8Array(data.length / 3);
  for (let i = 0, at = 0; i < gray.length; i++, at += 3) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) {
      throw new ExtractorError(`${name} takes gray images, received one in colour`);
    }
    gray[i] = data[at];
  }
  return gray;
};
