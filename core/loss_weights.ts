import { checkNumber, checkOneOf } from "./check.ts";
import type { Diffusion } from "./diffusion.ts";
import { type Prediction, PREDICTIONS } from "./prediction.ts";
import { fixedLogVariance, type Variance } from "./reverse.ts";

/**
 * How the losses of the timesteps are weighted against each other:
 *
 * - `uniform`: 1 on the loss of whatever is predicted; for ε that is L_simple (Ho et al. 2020, eq. 14)
 * - `snr`: the weight of L_simple whatever is predicted, so SNR_t on the error of x_0
 * - `min_snr`: min(SNR_t, γ) on the error of x_0 (Hang et al. 2023, eq. 8)
 * - `vlb`: the weight in the variational bound, β_t² / (2 σ_t² α_t (1 − ᾱ_t)) on the error of ε (Ho et al., eq. 12)
 */
export const WEIGHTINGS = ["uniform", "snr", "min_snr", "vlb"] as const;

/** The name of a loss weighting. */
export type Weighting = typeof WEIGHTINGS[number];

/** How to weight; the defaults are the published ones. */
export interface WeightingOptions {
  /** What the network predicts; "epsilon" by default. */
  prediction?: Prediction;
  /** γ of `min_snr`, above 0; 5 by default. */
  gamma?: number;
  /** σ_t² of `vlb`, `fixed_small` (the default) or `fixed_large`. */
  variance?: Variance;
}

/**
 * The factor of the squared error at each t, as seen by the network's own prediction: an error of x_0 of 1 is one of
 * SNR_t in ε and of SNR_t + 1 in v.
 *
 * @returns T weights, not normalised
 * @throws {TypeError} if an argument is of the wrong kind
 * @throws {RangeError} if a name is unknown, γ ≤ 0, or ε is predicted where x_T holds no signal and `vlb` would be
 * infinite
 */
export const lossWeights = (
  diffusion: Diffusion,
  weighting: Weighting,
  { prediction = "epsilon", gamma = 5, variance = "fixed_small" }: WeightingOptions = {},
): Float64Array => {
  checkOneOf("weighting", weighting, WEIGHTINGS);
  checkOneOf("prediction", prediction, PREDICTIONS);
  checkNumber("gamma", gamma, 0, Infinity, { min: true });
  checkOneOf("variance", variance, ["fixed_small", "fixed_large"]);

  const vlb = (t: number) =>
    diffusion.posteriorMeanCoef1[t] ** 2 / (2 * Math.exp(fixedLogVariance(diffusion, variance, t)));
  return diffusion.snr.map((snr, t) => {
    if (weighting === "uniform") return 1;
    if (prediction === "epsilon") {
      if (weighting === "snr") return 1;
      if (weighting === "min_snr") return snr <= gamma ? 1 : gamma / snr;
      if (snr === 0) {
        throw new RangeError(
          `prediction must be sample or v_prediction for a vlb weight where the SNR is 0, received "epsilon"`,
        );
      }
      return vlb(t) / snr;
    }
    const onStart = weighting === "snr" ? snr : weighting === "min_snr" ? Math.min(snr, gamma) : vlb(t);
    return prediction === "sample" ? onStart : onStart / (snr + 1);
  });
};
