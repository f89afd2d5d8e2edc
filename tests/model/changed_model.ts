import { fromFileUrl } from "@std/path";
import { loadPipeline, savePipeline } from "../../model/pipeline.ts";

const TINY = fromFileUrl(new URL("../fixtures/tiny-model", import.meta.url));

/** Writes the tiny model into a folder, with one of its tensors changed in place. */
export const saveChangedModel = async (
  folder: string,
  tensor: string,
  change: (data: Float32Array) => void,
): Promise<void> => {
  const model = await loadPipeline(TINY);
  change(model.weights.get(tensor)!.data);
  await savePipeline({ ...model, folder });
};

/** Writes a model whose weights are finite, and so large that the network answers NaN. */
export const saveOverflowingModel = (folder: string): Promise<void> =>
  saveChangedModel(folder, "conv_in.weight", (data) => data.fill(3e38));
