import { basename } from "@std/path";
import { unlessMissing } from "../../files/exists.ts";
import { ExtractorError } from "../error.ts";
import { createClassifierExtractor, readClassifier } from "./classifier.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";
import { createInceptionExtractor, readInception } from "./inception/inception.ts";
import type { ResizeMethod } from "./inception/resize.ts";

const isFolder = async (path: string): Promise<boolean> => (await unlessMissing(Deno.stat(path)))?.isDirectory ?? false;

/**
 * Opens a feature extractor on the engine that is open: a classifier's folder, or InceptionV3's weights as `.safetensors`.
 *
 * @param options.resize of InceptionV3: FID's own, `tensorflow`, if not given
 * @throws {ExtractorError} if there is none, or a classifier is told how to resize
 */
export const openExtractor = async (
  where: string,
  { resize }: { resize?: ResizeMethod } = {},
): Promise<FeatureExtractor> => {
  if (where.endsWith(".pth") || where.endsWith(".pt")) {
    throw new ExtractorError(
      `features must be a .safetensors file, received ${JSON.stringify(where)}; ` +
        "scripts/convert_inception.py converts FID's InceptionV3",
    );
  }
  if (where.endsWith(".safetensors")) {
    return createInceptionExtractor(await readInception(where), { resize: resize ?? "tensorflow" });
  }
  if (!await isFolder(where)) {
    throw new ExtractorError(
      `features must be the folder of a classifier or InceptionV3's .safetensors, received ${JSON.stringify(where)}`,
    );
  }
  if (resize !== undefined) {
    throw new ExtractorError(`resize must be left out for a classifier, received ${JSON.stringify(resize)}`);
  }
  const name = basename(where.replace(/\/+$/, ""));
  return createClassifierExtractor(await readClassifier(where), { name });
};
