import { join } from "@std/path";
import { createHash } from "node:crypto";
import { z } from "zod";
import { replaceFile } from "../../../jobs/training/durable.ts";
import { encodeSafetensors, parseSafetensors, type StoredTensor } from "../../../model/safetensors.ts";
import { ExtractorError } from "../extractor_error.ts";
import { type ClassifierConfig, classifierConfig, classifierParameters } from "./config.ts";

/** Names of a classifier's files in its folder. */
export const CLASSIFIER_FILES = { config: "config.json", weights: "model.safetensors" } as const;

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
    const tensors = parseSafetensors(bytes);
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
