import { join } from "@std/path";
import { replaceFile } from "../../files/durable.ts";
import { decodeNpz, encodeNpz } from "../../formats/npz.ts";

/**
 * Where the quantities of one image lie in one array: four by step, then the four sums.
 *
 * `rate` at a step is what has been sent by then: L_T and the terms of all later steps (Ho et al. 2020, section 4.3).
 */
export const STEP_QUANTITIES = ["bits", "rate", "xStartMse", "epsilonMse"] as const;

/** The bound and its parts: L_T, Σ L_{t−1}, L_0. */
const SUM_QUANTITIES = ["total", "prior", "middle", "decoder"] as const;

/** One of {@linkcode STEP_QUANTITIES}. */
export type StepQuantity = typeof STEP_QUANTITIES[number];

/** One of {@linkcode SUM_QUANTITIES}. */
export type SumQuantity = typeof SUM_QUANTITIES[number];

/** Number of quantities of an image in a process of `steps` steps. */
export const countQuantities = (steps: number): number => STEP_QUANTITIES.length * steps + SUM_QUANTITIES.length;

/** Index of a quantity at a step. */
export const stepQuantityIndex = (steps: number, name: StepQuantity, step: number): number =>
  STEP_QUANTITIES.indexOf(name) * steps + step;

/** Index of a sum. */
export const sumQuantityIndex = (steps: number, name: SumQuantity): number =>
  STEP_QUANTITIES.length * steps + SUM_QUANTITIES.indexOf(name);

/** Fills in an image's rates and sums from its terms and L_T. */
export const completeQuantities = (steps: number, values: Float64Array, prior: number): void => {
  let sent = prior;
  for (let step = steps - 1; step >= 0; step--) {
    values[stepQuantityIndex(steps, "rate", step)] = sent;
    if (step > 0) sent += values[stepQuantityIndex(steps, "bits", step)];
  }
  const decoder = values[stepQuantityIndex(steps, "bits", 0)];
  values[sumQuantityIndex(steps, "prior")] = prior;
  values[sumQuantityIndex(steps, "middle")] = sent - prior;
  values[sumQuantityIndex(steps, "decoder")] = decoder;
  values[sumQuantityIndex(steps, "total")] = sent + decoder;
};

/** Means and spreads of quantities over images that come one by one (Welford 1962). */
export interface Moments {
  /** Images so far. */
  count: number;
  readonly means: Float64Array<ArrayBuffer>;
  /** Sums of squared distances from the mean. */
  readonly squares: Float64Array<ArrayBuffer>;
}

/** Moments of `length` quantities, of no image yet. */
const createMoments = (length: number): Moments => ({
  count: 0,
  means: new Float64Array(length),
  squares: new Float64Array(length),
});

/** Adds an image's quantities. The bits of the result depend on the order of the images alone. */
export const addToMoments = (moments: Moments, values: Float64Array): void => {
  const { means, squares } = moments;
  const count = ++moments.count;
  for (let i = 0; i < means.length; i++) {
    const before = values[i] - means[i];
    means[i] += before / count;
    squares[i] += before * (values[i] - means[i]);
  }
};

/** The standard error of mean `i`; `null` for less than two images, which have no spread. */
export const standardError = ({ count, squares }: Moments, i: number): number | null =>
  count < 2 ? null : Math.sqrt(squares[i] / (count - 1) / count);

/** Images at work together. */
export interface PendingBatch {
  readonly size: number;
  /** The step that the network is asked for next, down to 0. */
  step: number;
  /** The quantities of each, image after image, filled in down to `step`. */
  readonly values: Float64Array<ArrayBuffer>;
}

/** How far an evaluation has come: all that it needs to go on. */
export interface PartialResult {
  /** Of the images that are done, in their order. */
  readonly moments: Moments;
  /** Those that follow them. */
  pending: PendingBatch | null;
}

/** Nothing done yet, in a process of `steps` steps. */
export const createPartialResult = (steps: number): PartialResult => ({
  moments: createMoments(countQuantities(steps)),
  pending: null,
});

/** Where partial results of one evaluation are kept between runs, those of different numbers of images side by side. */
export interface PartialResultStore {
  /** How far the evaluation has come, for `n` images in all: the furthest that was saved, or nothing done. */
  read(n: number): Promise<PartialResult>;
  /** Saves a partial result on the way to `n` images; a crash at any time leaves it or the one before. */
  save(n: number, result: PartialResult): Promise<void>;
}

const encodePartialResult = ({ moments, pending }: PartialResult): Uint8Array => {
  const floats = (data: Float64Array<ArrayBuffer>) => ({ dtype: "float64", shape: [data.length], data } as const);
  return encodeNpz({
    means: floats(moments.means),
    squares: floats(moments.squares),
    counts: floats(Float64Array.of(moments.count, pending?.size ?? 0, pending?.step ?? 0)),
    pending: floats(pending?.values ?? new Float64Array(0)),
  });
};

const decodePartialResult = (bytes: Uint8Array, steps: number): PartialResult => {
  const arrays = decodeNpz(bytes);
  const length = countQuantities(steps);
  const floats = (name: string, length: number): Float64Array<ArrayBuffer> => {
    const data = arrays[name]?.data;
    if (data instanceof Float64Array && data.length === length) return Float64Array.from(data);
    throw new SyntaxError(`${name} must be ${length} numbers`);
  };
  const [count, size, step] = floats("counts", 3);
  const pending = size === 0 ? null : { size, step, values: floats("pending", size * length) };
  return { moments: { count, means: floats("means", length), squares: floats("squares", length) }, pending };
};

/** What is behind `n` images is of no use on the way there. */
const truncateTo = (result: PartialResult, n: number): PartialResult | null => {
  if (result.moments.count > n) return null;
  const fits = result.pending !== null && result.moments.count + result.pending.size <= n;
  return fits ? result : { ...result, pending: null };
};

const evaluationsIn = ({ moments, pending }: PartialResult, steps: number): number =>
  moments.count * steps + (pending ? pending.size * (steps - 1 - pending.step) : 0);

/**
 * Partial results in a folder, as `.npz` files by the digest of all that the numbers depend on beside how many images
 * there are.
 *
 * @param options.onDamaged is called with a file that cannot be read, which is passed over
 */
export const createPartialResultStore = (
  { folder, key, steps, onDamaged }: {
    folder: string;
    key: string;
    steps: number;
    onDamaged: (file: string, reason: string) => void;
  },
): PartialResultStore => {
  const start = `bpd-${key}-`;
  const readAll = async (): Promise<PartialResult[]> => {
    const results: PartialResult[] = [];
    for (const { name } of Deno.readDirSync(folder)) {
      if (!name.startsWith(start) || !name.endsWith(".npz")) continue;
      const file = join(folder, name);
      try {
        results.push(decodePartialResult(await Deno.readFile(file), steps));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        onDamaged(file, error.message);
      }
    }
    return results;
  };
  return {
    read: async (n) =>
      (await readAll()).map((result) => truncateTo(result, n)).filter((result) => result !== null)
        .reduce(
          (best, result) => evaluationsIn(result, steps) > evaluationsIn(best, steps) ? result : best,
          createPartialResult(steps),
        ),
    save: (n, result) => replaceFile(join(folder, `${start}${n}.npz`), encodePartialResult(result)),
  };
};
