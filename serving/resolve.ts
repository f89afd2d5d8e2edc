import type { SamplingParameters } from "./parameters.ts";

/** What the rules below need to know of a model. */
export interface ModelLimits {
  /** T, the number of timesteps it was trained with. */
  readonly timesteps: number;
  /** Names of the classes, by index; null for an unconditional model. */
  readonly labels: readonly string[] | null;
  /** Embedding index of "no class", which guidance needs; null if the model was trained without. */
  readonly nullLabel: number | null;
}

/** A request with every choice made: what it says determines its images. */
export type ResolvedSampling = Readonly<
  & Omit<SamplingParameters, "label">
  & Required<Pick<SamplingParameters, "seed" | "steps">>
  & { /** Class of each image; null for an unconditional model. */ labels: number[] | null }
>;

/** One parameter refused: its name, what was received and what is allowed. */
export interface ParameterIssue {
  readonly field: string;
  readonly received: unknown;
  readonly allowed: string;
}

/** Parameters that are well formed but ask for what the model or the sampler cannot do. */
export class ParameterError extends RangeError {
  override name = "ParameterError";
  /** @param issues one entry a refused parameter */
  constructor(readonly issues: readonly ParameterIssue[]) {
    const show = ({ field, received, allowed }: ParameterIssue) =>
      `${field} must be ${allowed}, received ${JSON.stringify(received)}`;
    super(issues.map(show).join("; "));
  }
}

/** A random seed: an integer of 53 random bits. */
export const randomSeed = (): number => {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 11) * 2 ** 32 + low;
};

/** A class by name first, so that names which look like numbers keep their meaning; then by index; −1 if neither. */
const findLabel = (label: string | number, names: readonly string[]): number => {
  if (typeof label === "string" && names.includes(label)) return names.indexOf(label);
  const index = typeof label === "string" && !/^\d+$/.test(label) ? -1 : Number(label);
  return index < names.length ? index : -1;
};

/** The choice of classes in a message: all of a few, else the range of indices. */
const describeLabels = (names: readonly string[]): string =>
  names.length <= 20 ? `one of ${names.join(", ")}` : `the name of a class, or its index in [0, ${names.length - 1}]`;

/**
 * Fills in what the caller left open (a random seed among it) and checks the rules that depend on the model.
 *
 * @throws {ParameterError} that lists every parameter in the way
 */
export const resolveSampling = (parameters: SamplingParameters, model: ModelLimits): ResolvedSampling => {
  const { label, ...given } = parameters;
  const { n, first = 0, sampler, guidance, variance, eta } = given;
  const steps = given.steps ?? Math.min(50, model.timesteps);
  const issues: ParameterIssue[] = [];
  const refuse = (field: string, received: unknown, allowed: string) => issues.push({ field, received, allowed });

  if (steps > model.timesteps) {
    refuse("steps", steps, `in [1, ${model.timesteps}] (the model's number of timesteps)`);
  }
  if (eta !== undefined && sampler !== "ddim") {
    refuse("eta", eta, `absent with sampler ${sampler} (only ddim takes it)`);
  }
  if (variance !== undefined && sampler !== "ddpm") {
    refuse("variance", variance, `absent with sampler ${sampler} (only ddpm takes it)`);
  }
  if (guidance !== 1 && model.nullLabel === null) {
    refuse("guidance", guidance, "1 (off): this model was not trained for guidance");
  }

  let labels: number[] | null = null;
  if (model.labels !== null) {
    const names = model.labels;
    const index = label === undefined ? undefined : findLabel(label, names);
    if (index === -1) refuse("label", label, describeLabels(names));
    labels = Array.from({ length: n }, (_, i) => index ?? (first + i) % names.length);
  } else if (label !== undefined) {
    refuse("label", label, "absent: this model has no classes");
  }

  if (issues.length > 0) throw new ParameterError(issues);
  return { ...given, seed: given.seed ?? randomSeed(), steps, labels };
};
