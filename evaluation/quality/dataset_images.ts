import { type Dataset, isBuiltin } from "../../jobs/data/dataset.ts";
import type { ImageSet } from "./image_set.ts";

/** Which part of a dataset goes by its name; `null` where nobody says. */
export const partOf = (name: string): "train" | "test" | null => {
  if (!isBuiltin(name)) return null;
  return name.endsWith("-test") ? "test" : "train";
};

/** A dataset's images, in its order. */
export const datasetImages = (dataset: Dataset, where: string): ImageSet => {
  const { count, height, width, channels, fingerprint } = dataset;
  const size = height * width * channels;
  const part = partOf(where);
  return {
    name: part ? `${where} (${part})` : where,
    key: { dataset: fingerprint, height, width, channels },
    count,
    height,
    width,
    channels,
    batches: async function* (first, end, { batch, signal, onStep }) {
      for (let start = first; start < end; start += batch) {
        await new Promise<void>((resume) => setTimeout(resume, 0));
        signal.throwIfAborted();
        const n = Math.min(batch, end - start);
        const data = new Uint8Array(n * size);
        for (let i = 0; i < n; i++) dataset.read(start + i, data, i * size);
        yield { data, height, width, channels };
        onStep(n);
      }
    },
  };
};
