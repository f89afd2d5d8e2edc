import { bpd } from "./likelihood/metric.ts";
import type { Metric } from "./metric.ts";
import { fid, inceptionScore, kid, nearest, precisionRecall } from "./quality/metrics.ts";

/** All that can be measured. */
export const METRICS: readonly Metric[] = [bpd, fid, kid, precisionRecall, inceptionScore, nearest];

/** The metric of a name that `--metric` has let through. */
export const metricOf = (name: string): Metric => METRICS.find((metric) => metric.name === name)!;
