import * as tf from "@tensorflow/tfjs-core";
import { createHash } from "node:crypto";
import { parseSafetensors, type StoredTensor } from "../../../model/safetensors.ts";
import { toEngineLayout } from "../../../model/weights.ts";
import { ExtractorError } from "../extractor_error.ts";
import { convolutionsIn, INCEPTION, inceptionTensors } from "./architecture.ts";
import type { InceptionWeights } from "./network.ts";

/** What is added to the variance in batch normalization. */
const EPSILON = 1e-3;

/** What tells a person who has another file how to come by this one. */
const CONVERT = "scripts/convert_inception.py makes it of pt_inception-2015-12-05-6726825d.pth";

const checkTensors = (tensors: ReadonlyMap<string, StoredTensor>): void => {
  for (const { name, shape } of inceptionTensors()) {
    const found = tensors.get(name);
    if (!found) throw new ExtractorError(`tensor ${name} is missing; ${CONVERT}`);
    if (`${found.shape}` !== `${shape}`) {
      throw new ExtractorError(`tensor ${name} must have shape [${shape}], received [${found.shape}]; ${CONVERT}`);
    }
  }
};

/**
 * Reads InceptionV3's weights.
 *
 * @returns the tensors by the names of the commonly used file, and the file's SHA-256
 * @throws {ExtractorError} if the file is missing, damaged or another network's
 */
export const readInception = async (
  path: string,
): Promise<{ tensors: ReadonlyMap<string, StoredTensor>; digest: string }> => {
  try {
    const bytes = await Deno.readFile(path);
    const tensors = parseSafetensors(bytes);
    checkTensors(tensors);
    return { tensors, digest: createHash("sha256").update(bytes).digest("hex") };
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof Deno.errors.NotCapable) throw cause;
    const reason = cause instanceof Deno.errors.NotFound ? `there is no such file; ${CONVERT}` : cause.message;
    throw new ExtractorError(`Cannot read ${path}: ${reason}`, { cause });
  }
};

/** Puts the weights on the engine, each convolution's normalization folded into it: γ·(w∗x − μ) / √(σ² + 10⁻³) + β. */
export const uploadInception = (tensors: ReadonlyMap<string, StoredTensor>): InceptionWeights => {
  const valuesOf = (name: string) => tensors.get(name)!.data;
  const folded = convolutionsIn(INCEPTION).map(({ name }) => {
    const { shape, data } = tensors.get(`${name}.conv.weight`)!;
    const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
      .map((part) => valuesOf(`${name}.bn.${part}`));
    const scale = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + EPSILON));
    const bias = Float32Array.from(beta, (value, c) => value - mean[c] * scale[c]);
    const inputs = data.length / shape[0];
    const scaled = data.map((value, i) => value * scale[Math.floor(i / inputs)]);
    const filter = toEngineLayout(name, { shape, data: scaled });
    return [name, {
      filter: tf.tensor4d(filter.data, filter.shape as [number, number, number, number]),
      bias: tf.tensor1d(bias),
    }] as const;
  });
  const classes = toEngineLayout("fc.weight", tensors.get("fc.weight")!);
  return {
    convolutions: Object.fromEntries(folded),
    classes: tf.tensor2d(classes.data, classes.shape as [number, number]),
  };
};
