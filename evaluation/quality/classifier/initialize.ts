import { fillNormal } from "../../../core/noise.ts";
import type { StoredTensor } from "../../../model/safetensors.ts";
import { type ClassifierConfig, classifierParameters } from "./config.ts";

/** The domain of the draws that classifiers are trained with. */
export const CLASSIFIER_DOMAIN = 0xc1a5;

/**
 * The weights that a classifier's training starts from: normal with a variance of 2 / fan-in (He et al. 2015), biases
 * zero.
 *
 * @returns in PyTorch's layout
 */
export const initializeClassifier = (config: ClassifierConfig, seed: number): Map<string, StoredTensor> =>
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
