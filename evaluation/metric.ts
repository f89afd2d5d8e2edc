import type { z } from "zod";
import type { Subject } from "./subject.ts";

/** What an evaluation found, in all its forms. */
export interface MetricResult {
  /** For programs: plain data, with every setting that the numbers depend on. */
  readonly document: Readonly<Record<string, unknown>>;
  /** For people: lines of text. */
  readonly text: string;
  /** For spreadsheets: lines of comma-separated values, the first of them names. */
  readonly csv?: string;
  /** A picture of it, as SVG. */
  readonly svg?: string;
}

/** Measures a model. It stops with the signal's reason once that aborts, having kept what it has for the next time. */
export type MetricFunction<O> = (subject: Subject, options: O) => Promise<MetricResult>;

/** One thing that can be measured. */
export interface Metric<S extends z.ZodRawShape = z.ZodRawShape> {
  /** Its name, as `--metric` takes it, and that of its files. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly summary: string;
  /** Its own options, beside those of every metric. Those of a name that other metrics have too must be the same. */
  readonly options: S;
  /** What measures is loaded when it is needed, so that help is there at once. */
  readonly load: () => Promise<MetricFunction<z.output<z.ZodObject<S>>>>;
}

/** Checks a metric against its options; to others every metric is of one type. */
export const defineMetric = <S extends z.ZodRawShape>(metric: Metric<S>): Metric => metric as unknown as Metric;
