import { toBytes } from "../../formats/pixels.ts";
import { compileTask } from "../../sampling/compile.ts";
import { denoise, startRow } from "../../sampling/denoise.ts";
import { ParameterError } from "../../sampling/errors.ts";
import { modelInfoOf, targetOf } from "../../sampling/loaded_model.ts";
import { type ResolvedSampling, resolveSampling, type SamplingParameters } from "../../sampling/parameters.ts";
import { EvaluationError } from "../error.ts";
import type { SubjectModel } from "../subject.ts";
import type { ClassCounts } from "./class_shares.ts";
import type { ImageSet } from "./image_set.ts";

/** How a model is asked for samples. */
export type SampleOptions = Omit<SamplingParameters, "n" | "variance">;

const resolve = (
  parameters: SamplingParameters,
  { pipeline, engine, network }: SubjectModel,
  classes: ClassCounts | null,
): ResolvedSampling => {
  try {
    const sampling = resolveSampling(parameters, modelInfoOf(pipeline, engine, network));
    return classes === null
      ? sampling
      : { ...sampling, labels: Array.from({ length: sampling.n }, (_, i) => classes.classOf(i)) };
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    const [{ field, received, allowed }] = error.issues;
    throw new EvaluationError(`${field} must be ${allowed}, received ${JSON.stringify(received)}`, { cause: error });
  }
};

/**
 * The images that a model draws: as bytes, as `sample` writes them. Image i depends on the seed and i alone, so those of
 * a larger set begin with those of a smaller one.
 *
 * @param classes the class of each; `null`: the one that the options name, or each in turn
 * @throws {EvaluationError} if the model cannot be asked for them
 */
export const drawnImages = (
  subject: SubjectModel,
  { n, ...options }: SampleOptions & { n: number },
  model: string,
  classes: ClassCounts | null = null,
): ImageSet => {
  const { pipeline, network, digest } = subject;
  const sampling = resolve({ n, ...options }, subject, classes);
  const task = (() => {
    try {
      return compileTask({ kind: "generate", sampling }, targetOf(pipeline, network));
    } catch (cause) {
      throw cause instanceof RangeError ? new EvaluationError(cause.message, { cause }) : cause;
    }
  })();
  const { height, width, channels } = network;
  const { sampler, steps, seed, guidance, spacing, eta } = sampling;
  const label = options.label;
  const told = [
    `${sampler} in ${steps} steps`,
    ...(guidance === 1 ? [] : [`guidance ${guidance}`]),
    ...(eta === undefined ? [] : [`eta ${eta}`]),
    ...(label === undefined ? [] : [`class ${label}`]),
    ...(classes === null ? [] : ["classes as often as in the data"]),
    `seed ${seed}`,
  ];
  return {
    name: `${model}, ${told.join(", ")}`,
    key: { model: digest, sampler, steps, seed, guidance, spacing, eta, label, classes: classes?.counts },
    count: n,
    height,
    width,
    channels,
    batches: async function* (first, end, { batch, signal, onStep }) {
      for (let start = first; start < end; start += batch) {
        const rows = Array.from({ length: Math.min(batch, end - start) }, (_, i) => startRow(task, start + i));
        await denoise(network, rows, {
          nullLabel: pipeline.nullLabel,
          signal,
          onStep: ({ length }) => onStep(length / task.steps),
        });
        const data = new Uint8Array(rows.length * height * width * channels);
        rows.forEach(({ x }, i) => data.set(toBytes(x), i * x.length));
        yield { data, height, width, channels };
      }
    },
  };
};
