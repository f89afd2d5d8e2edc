import type { ModelInfo } from "../../sampling/loaded_model.ts";
import { type ResolvedSampling, resolveSampling, type SamplingParameters } from "../../sampling/parameters.ts";
import type { Item, Parameters } from "../output/drawing.ts";

/** What a caller chose, its defaults filled in, among other fields. */
type Chosen = Partial<SamplingParameters>;

/**
 * Resolves the sampling parameters among a request's fields.
 *
 * @param options.unlabelled whether no class at all is meant where none is named, if the model was trained for that:
 * what is made from an image is of the image's class, whichever that is
 * @throws {ParameterError} that lists every parameter in the way
 */
export const resolveChosen = (
  { n = 1, first, seed, sampler = "ddpm", steps, spacing, eta, label, guidance = 1, variance }: Chosen,
  model: ModelInfo,
  { unlabelled = false }: { unlabelled?: boolean } = {},
): ResolvedSampling => {
  const parameters = { n, first, seed, sampler, steps, spacing, eta, label, guidance, variance };
  const sampling = resolveSampling(parameters, model);
  const { nullLabel } = model;
  return unlabelled && label === undefined && nullLabel !== null
    ? { ...sampling, labels: Array<number>(n).fill(nullLabel) }
    : sampling;
};

/** Parameters that are set, without those left to the model. */
export const onlySet = (values: Readonly<Record<string, Parameters[string] | undefined>>): Parameters =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Parameters;

/** Resolved sampling as parameters that a request can give. */
export const parametersOf = (
  { n, first, seed, sampler, steps, spacing, eta, guidance, variance }: ResolvedSampling,
  label: string | number | undefined,
): Parameters => onlySet({ n, first, seed, sampler, steps, spacing, eta, label, guidance, variance });

/** The class of each image by name, where it has one. */
export const labelItems = ({ n, labels }: ResolvedSampling, model: ModelInfo): Item[] =>
  Array.from({ length: n }, (_, i): Item => {
    const name = labels === null ? undefined : model.labels?.[labels[i]];
    return name === undefined ? {} : { label: name };
  });
