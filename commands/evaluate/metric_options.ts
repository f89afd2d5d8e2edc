import { z } from "zod";
import type { Metric } from "../../evaluation/metric.ts";

type Shape = Record<string, z.ZodType>;

/** The field, and what it is where nothing is given. */
const withoutDefault = (field: z.ZodType): { inner: z.ZodType; preset: unknown } =>
  field instanceof z.ZodDefault
    ? { inner: field.unwrap() as z.ZodType, preset: field.def.defaultValue }
    : { inner: field, preset: undefined };

const sentence = (names: readonly string[], description: string, preset: unknown): string => {
  const isNothing = preset === undefined || preset === false || preset === null;
  return `With ${names.join(", ")}: ${description}${isNothing ? "" : `. Default: ${preset}`}`;
};

const namesOf = (metrics: readonly Metric[], key: string): string[] =>
  metrics.filter(({ options }) => key in options).map(({ name }) => name);

/** The own options of all metrics as options of one command: each may be left out, and says which metrics take it. */
export const ownOptions = (metrics: readonly Metric[]): Shape =>
  Object.fromEntries(
    metrics.flatMap(({ options }) => Object.entries(options as Shape)).map(([key, field]) => {
      const { inner, preset } = withoutDefault(field);
      const description = sentence(namesOf(metrics, key), field.description ?? "", preset);
      return [key, inner.optional().describe(description)];
    }),
  );

/** Refuses the options that none of the chosen metrics takes. */
export const refuseOthers = (
  metrics: readonly Metric[],
  chosen: readonly Metric[],
  given: Readonly<Record<string, unknown>>,
  refuse: (key: string, message: string) => void,
): void => {
  for (const key of Object.keys(ownOptions(metrics))) {
    if (given[key] === undefined || namesOf(chosen, key).length > 0) continue;
    const chosenNames = chosen.map(({ name }) => name).join(", ");
    refuse(key, `left out with --metric ${chosenNames} (it belongs to ${namesOf(metrics, key).join(", ")})`);
  }
};

/** What a metric gets of the options given: its own, defaults filled in. */
export const optionsFor = (metric: Metric, given: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  z.object(metric.options).parse(given);
