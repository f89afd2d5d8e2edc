import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../../engine/mod.ts";
import { readTensor } from "../../../engine/read_tensor.ts";
import { bucketOf } from "../../../model/bucket.ts";
import type { StoredTensor } from "../../../model/safetensors.ts";
import { ExtractorError } from "../extractor_error.ts";
import type { FeatureExtractor } from "../feature_extractor.ts";
import { INCEPTION_CLASSES, INCEPTION_FEATURES, INCEPTION_SIDE as SIDE } from "./architecture.ts";
import { inceptionFeatures, unbiasedLogits } from "./network.ts";
import { resizeForInception, type ResizeMethod } from "./resize.ts";
import { uploadInception } from "./weights.ts";

const BATCH = 32;

/** An image as RGB: a gray one three times. */
const inColour = (image: Uint8Array, channels: number): Uint8Array =>
  channels === 3 ? image : Uint8Array.from({ length: image.length * 3 }, (_, i) => image[Math.floor(i / 3)]);

/** InceptionV3 as an extractor, for images of any size, gray or RGB. */
export const createInceptionExtractor = (
  { tensors, digest }: { tensors: ReadonlyMap<string, StoredTensor>; digest: string },
  { resize }: { resize: ResizeMethod },
): FeatureExtractor => {
  const weights = uploadInception(tensors);
  const network = compile((x: tf.Tensor4D) => inceptionFeatures(x, weights));
  const name = "inception-v3";
  const check: FeatureExtractor["check"] = ({ channels }) => {
    if (channels !== 1 && channels !== 3) {
      throw new ExtractorError(`${name} takes images of 1 or 3 channels, received ${channels}`);
    }
  };
  const place = SIDE * SIDE * 3;
  return {
    name,
    digest: `${digest} ${resize}`,
    featureCount: INCEPTION_FEATURES,
    classes: INCEPTION_CLASSES,
    resize: `${resize} to ${SIDE}×${SIDE}`,
    batch: BATCH,
    check,
    extract: ({ data, ...extent }) => {
      check(extent);
      const size = extent.height * extent.width * extent.channels;
      const n = data.length / size, rows = bucketOf(n);
      const x = new Float32Array(rows * place);
      for (let i = 0; i < n; i++) {
        const image = inColour(data.subarray(i * size, (i + 1) * size), extent.channels);
        resizeForInception(image, extent, resize, x.subarray(i * place, (i + 1) * place));
      }
      for (let i = 0; i < x.length; i++) x[i] = (x[i] - 128) / 128;
      const features = tf.tidy(() => network(tf.tensor4d(x, [rows, SIDE, SIDE, 3])).dataSync()) as Float32Array<
        ArrayBuffer
      >;
      return features.slice(0, n * INCEPTION_FEATURES);
    },
    classify: (features) =>
      readTensor(() => {
        const rows = tf.tensor2d(features, [features.length / INCEPTION_FEATURES, INCEPTION_FEATURES]);
        return unbiasedLogits(rows, weights);
      }),
    [Symbol.dispose]: () => {
      network.dispose();
      tf.dispose([
        weights.classes,
        ...Object.values(weights.convolutions).flatMap(({ filter, bias }) => [filter, bias]),
      ]);
    },
  };
};
