import { initializeUNet } from "../../model/initialize.ts";
import type { Pipeline } from "../../model/pipeline.ts";
import type { StoredTensor } from "../../model/safetensors.ts";
import { RunError } from "../run_error.ts";
import type { RunModel } from "./run_model.ts";

const CLASSES = "class_embedding.weight";

const isAlike = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** Takes over the first rows of an output layer; the others are zero: a variance in the middle of its range. */
const fitRows = ({ data }: StoredTensor, { shape }: StoredTensor): StoredTensor => {
  const fitted = new Float32Array(shape.reduce((product, n) => product * n, 1));
  fitted.set(data.subarray(0, fitted.length));
  return { shape, data: fitted };
};

/**
 * The weights that a run starts from: random ones, or those of the model that its `init` names. Of these the class
 * embedding is new where the classes are others, and the output layer grows or shrinks where the variance is learned in
 * one of the two alone.
 *
 * @param options.notice hears what is new
 * @throws {RunError} that names a tensor that does not fit
 */
export const firstWeights = (
  { unet, labels }: RunModel,
  init: Pipeline | null,
  { seed, notice }: { seed: number; notice: (message: string) => void },
): Map<string, StoredTensor> => {
  const fresh = initializeUNet(unet, seed);
  if (init === null) return fresh;
  const refuse = (reason: string): never => {
    throw new RunError(`Cannot start from ${init.folder}: ${reason}`);
  };
  const hasSameClasses = isAlike(labels ?? [], init.labels ?? []);
  const fit = (name: string, own: StoredTensor): StoredTensor => {
    const found = init.weights.get(name);
    if (name === CLASSES && !(found && hasSameClasses && isAlike(found.shape, own.shape))) {
      notice(`The class embedding is new: ${init.folder} ${found ? "knows other classes" : "knows no classes"}`);
      return own;
    }
    if (!found) return refuse(`it has no tensor ${name}`);
    if (isAlike(found.shape, own.shape)) return found;
    if (name.startsWith("conv_out.") && init.unet.out_channels !== unet.out_channels) {
      if (init.unet.in_channels === unet.in_channels) return fitRows(found, own);
    }
    return refuse(`tensor ${name} must have shape [${own.shape}], received [${found.shape}]`);
  };
  const fitted = new Map(Array.from(fresh, ([name, own]) => [name, fit(name, own)]));
  for (const name of init.weights.keys()) {
    if (name === CLASSES && !fitted.has(name)) {
      notice(`The class embedding is left out: the network is told no classes`);
    } else if (!fitted.has(name)) refuse(`its tensor ${name} is none of this network's`);
  }
  if (init.unet.out_channels !== unet.out_channels) {
    notice(`The output layer ${init.unet.out_channels < unet.out_channels ? "learns" : "gives up"} the variance`);
  }
  return fitted;
};
