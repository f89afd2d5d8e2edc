/** The variances that a model can be trained for (Ho et al. 2020, section 3.2; Nichol & Dhariwal 2021, eq. 15). */
export const TRAINED_VARIANCES = ["fixed_small", "fixed_large", "learned_range"] as const;

/** The variance of a model that is trained here. */
export type TrainedVariance = typeof TRAINED_VARIANCES[number];

/**
 * What is minimized:
 *
 * - `simple`: the weighted squared error of the prediction (Ho et al. 2020, eq. 14)
 * - `hybrid`: that, plus a thousandth of the variational bound, which trains the variance alone (Nichol & Dhariwal 2021,
 *   eq. 16)
 * - `vlb`: the variational bound, in bits per dimension (Ho et al. 2020, eq. 5)
 */
export const LOSSES = ["simple", "hybrid", "vlb"] as const;

/** The name of a loss. */
export type Loss = typeof LOSSES[number];

/**
 * How the images of a batch get their timesteps:
 *
 * - `uniform`: each by itself (Ho et al. 2020, Algorithm 1)
 * - `stratified`: image i of n in the i-th n-th of the timesteps, so that no batch is short of any
 * - `importance`: by the root of their mean squared loss (Nichol & Dhariwal 2021, eq. 18), the loss weighted to match
 */
export const TIMESTEP_SAMPLINGS = ["uniform", "stratified", "importance"] as const;

/** The name of a timestep sampling. */
export type TimestepSampling = typeof TIMESTEP_SAMPLINGS[number];

/**
 * How often images of each class come: as often as the data has them (`data`), or one class as often as another (`equal`),
 * so that rare ones are learned too.
 */
export const CLASS_SHARES = ["data", "equal"] as const;

/** The name of a way to share out classes. */
export type ClassShares = typeof CLASS_SHARES[number];
