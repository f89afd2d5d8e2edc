/**
 * Where the quantities of one image lie in one array: four by step, then the four sums.
 *
 * `rate` at a step is what has been sent by then: L_T and the terms of all later steps (Ho et al. 2020, section 4.3).
 */
export const PER_STEP = ["bits", "rate", "xStartMse", "epsilonMse"] as const;

/** The bound and its parts: L_T, Σ L_{t−1}, L_0. */
export const SUMS = ["total", "prior", "middle", "decoder"] as const;

/** One of {@linkcode PER_STEP}. */
export type StepQuantity = typeof PER_STEP[number];

/** One of {@linkcode SUMS}. */
export type SumQuantity = typeof SUMS[number];

/** Number of quantities of an image in a process of `steps` steps. */
export const quantitiesOf = (steps: number): number => PER_STEP.length * steps + SUMS.length;

/** Index of a quantity at a step. */
export const placeOf = (steps: number, name: StepQuantity, step: number): number =>
  PER_STEP.indexOf(name) * steps + step;

/** Index of a sum. */
export const placeOfSum = (steps: number, name: SumQuantity): number => PER_STEP.length * steps + SUMS.indexOf(name);

/** Fills in an image's rates and sums from its terms and L_T. */
export const completeQuantities = (steps: number, values: Float64Array, prior: number): void => {
  let sent = prior;
  for (let step = steps - 1; step >= 0; step--) {
    values[placeOf(steps, "rate", step)] = sent;
    if (step > 0) sent += values[placeOf(steps, "bits", step)];
  }
  const decoder = values[placeOf(steps, "bits", 0)];
  values[placeOfSum(steps, "prior")] = prior;
  values[placeOfSum(steps, "middle")] = sent - prior;
  values[placeOfSum(steps, "decoder")] = decoder;
  values[placeOfSum(steps, "total")] = sent + decoder;
};
