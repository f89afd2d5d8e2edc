import { fromFileUrl } from "@std/path";
import { loadPipeline } from "../../model/pipeline.ts";
import { statePartsOf, type StoredState } from "../../training/checkpoint_files.ts";
import { randomValues } from "../engine/random_values.ts";

const MODEL = fromFileUrl(new URL("../fixtures/model/conditional", import.meta.url));

/** A small model, without its weights. */
export const { folder: _folder, weights, ...model } = await loadPipeline(MODEL);

/** Decays of the averages in {@linkcode exampleState}. */
export const RATES = [0.999, 0.9];

/** A state of a small run: other values for every step, in every part. */
export const exampleState = (step: number): StoredState => ({
  step,
  tensors: new Map(
    statePartsOf(RATES).map((part, i) => [
      part,
      new Map(Array.from(weights, ([name, { shape }], j) => [
        name,
        { shape, data: randomValues([...shape], 10_000 * step + 1000 * i + j) as Float32Array<ArrayBuffer> },
      ])),
    ]),
  ),
  numbers: { losses: Float64Array.of(step, 0.1, -0, NaN, -Infinity, 5e-324), counts: new Float64Array(0) },
});
