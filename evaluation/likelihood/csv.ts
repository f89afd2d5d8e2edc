import type { Findings, StepFindings } from "./findings.ts";

const COLUMNS: readonly (readonly [string, keyof Omit<StepFindings, "t">])[] = [
  ["bits", "bits"],
  ["rate", "rate"],
  ["distortion", "distortion"],
  ["x0_mse", "xStartMse"],
  ["epsilon_mse", "epsilonMse"],
];

/** A line a step, t ascending: every quantity with its standard error. */
export const csvOf = ({ steps }: Findings): string => {
  const names = ["t", ...COLUMNS.flatMap(([name]) => [name, `${name}_standard_error`])];
  const lines = steps.map((step) =>
    [step.t, ...COLUMNS.flatMap(([, key]) => [step[key].mean, step[key].standardError ?? ""])].join(",")
  );
  return [names.join(","), ...lines, ""].join("\n");
};
