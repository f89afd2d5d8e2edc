// @ts-types="@types/d3-scale"
import { scaleLinear, scaleLog } from "d3-scale";

/** What a chart has along one side. */
export interface AxisOptions {
  /** As `typeset` sets it. */
  readonly label: string;
  /** "linear" by default. On "log" what is not above 0 is left out. */
  readonly scale?: "linear" | "log";
  /** From where to where, rounded outwards to a tick if left out. */
  readonly domain?: readonly [number, number];
}

/** An axis of numbers, laid over a stretch of a picture. */
export interface Axis {
  /** Where a number is; `null` where a logarithm has none. */
  place(value: number): number | null;
  /** Numbers to be marked, and what is written there (as `typeset` sets it; nothing for a mark between). */
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

const SUPERSCRIPT = (exponent: number): string => exponent === 0 ? "1" : exponent === 1 ? "10" : `$10^{${exponent}}$`;

const plain = (value: number): string =>
  value.toLocaleString("en", { maximumSignificantDigits: 6, useGrouping: false });

const logAxis = (domain: readonly [number, number], range: readonly [number, number]): Axis => {
  const scale = scaleLog().domain(domain).range(range);
  const decades = Math.log10(domain[1] / domain[0]);
  // Every decade where there is room, else every second or third.
  const stride = Math.ceil(decades / 8);
  const ticks = scale.ticks().map((value) => {
    const exponent = Math.round(Math.log10(value));
    const isDecade = Math.abs(Math.log10(value) - exponent) < 1e-9;
    return { value, text: isDecade && exponent % stride === 0 ? SUPERSCRIPT(exponent) : "" };
  });
  return {
    place: (value) => value > 0 ? scale(value) : null,
    ticks: decades > 4 ? ticks.filter(({ value }) => Number.isInteger(Math.log10(value))) : ticks,
  };
};

/** Lays an axis over `range` for `values`. */
export const layAxis = (
  { scale = "linear", domain }: AxisOptions,
  values: readonly number[],
  range: readonly [number, number],
): Axis => {
  const shown = scale === "log" ? values.filter((value) => value > 0) : values;
  const extent = domain ?? [Math.min(...shown), Math.max(...shown)] as const;
  if (scale === "log") {
    const [low, high] = domain ?? scaleLog().domain(extent).nice().domain();
    return logAxis([low, high], range);
  }
  const linear = scaleLinear().domain(extent).range(range);
  if (!domain) linear.nice(5);
  return { place: (value) => linear(value), ticks: linear.ticks(5).map((value) => ({ value, text: plain(value) })) };
};
