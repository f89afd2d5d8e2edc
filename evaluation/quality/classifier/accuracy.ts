import type { Dataset } from "../../../jobs/data/dataset.ts";
import type { FeatureExtractor } from "../feature_extractor.ts";

/** Images classified together. */
const BATCH = 250;

const largest = (row: Float32Array): number => row.reduce((best, value, i) => value > row[best] ? i : best, 0);

/**
 * The share of a dataset's images that are given their own class.
 *
 * @throws the signal's reason, between two batches
 */
export const accuracyOn = async (
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
