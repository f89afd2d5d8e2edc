import { checkInteger, checkOneOf } from "./check.ts";
import { createDiffusion, type Diffusion } from "./diffusion.ts";

/** How `selectTimesteps` spreads its timesteps over 0 … T − 1 (Lin et al. 2024, table 2), by diffusers' names. */
export const SPACINGS = ["leading", "linspace", "trailing"] as const;

/** The name of a spacing of timesteps. */
export type Spacing = typeof SPACINGS[number];

const roundHalfEven = (value: number): number => {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
};

const spread = (T: number, steps: number, spacing: Spacing): number[] => {
  const points = (entry: (i: number) => number) => Array.from({ length: steps }, (_, i) => entry(i));
  switch (spacing) {
    case "leading":
      return points((i) => (steps - 1 - i) * Math.floor(T / steps));
    case "linspace": {
      const stride = (T - 1) / (steps - 1);
      return points((i) => i === steps - 1 ? 0 : i === 0 ? T - 1 : roundHalfEven((steps - 1 - i) * stride));
    }
    case "trailing": {
      // numpy's arange takes its stride from the difference of its first two entries.
      const stride = T - (T - T / steps);
      return points((i) => roundHalfEven(T - i * stride) - 1);
    }
  }
};

/**
 * Selects `steps` of the timesteps 0 … T − 1 to sample with, rounded exactly as diffusers does.
 *
 * "leading" takes the multiples of ⌊T / steps⌋ plus `offset` (diffusers' `steps_offset`), "linspace" spreads them evenly
 * with both ends included, "trailing" counts down from T − 1 and is the one to use where the terminal SNR is zero. For some
 * counts rounding adds a timestep −1 to diffusers' "trailing" (1000 in 61 steps gives 62); it is left out here.
 *
 * @param options.dropLowest selects `steps` + 1 timesteps and drops the lowest, as diffusers' DPMSolverMultistepScheduler
 * does for "leading" and "linspace". With `steps` = T there is none to drop.
 * @returns the timesteps, descending
 * @throws {TypeError} if a number is no number
 * @throws {RangeError} if `T` < 1, if `steps` lies outside [1, T], or if `offset` leads past T − 1
 */
export const selectTimesteps = (
  T: number,
  steps: number,
  { spacing = "leading", offset = 0, dropLowest = false }: {
    spacing?: Spacing;
    offset?: number;
    dropLowest?: boolean;
  } = {},
): Int32Array => {
  checkInteger("T", T, 1);
  checkInteger("steps", steps, 1, T);
  checkOneOf("spacing", spacing, SPACINGS);
  checkInteger("offset", offset, 0, T - 1);
  const drop = dropLowest && spacing !== "trailing" && steps < T;
  const selected = spread(T, drop ? steps + 1 : steps, spacing).slice(0, steps);
  if (spacing !== "leading" || offset === 0) return Int32Array.from(selected);
  checkInteger("offset", offset, 0, T - 1 - selected[0]);
  return Int32Array.from(selected, (t) => t + offset);
};

const strided = (T: number, count: number): number[] => {
  checkInteger("sections", count, 1, T);
  for (let stride = 1; stride <= T; stride++) {
    if (Math.ceil(T / stride) === count) return Array.from({ length: count }, (_, i) => i * stride);
  }
  throw new RangeError(
    `sections must be a number of steps that an integer stride over ${T} gives, received ddim${count}`,
  );
};

const parseCounts = (sections: string): number[] =>
  sections.split(",").map((part) => {
    if (!/^\s*\d+\s*$/.test(part)) {
      throw new SyntaxError(`sections must be "ddimN" or counts like "10,15,20", received ${JSON.stringify(sections)}`);
    }
    return Number(part);
  });

/**
 * Selects timesteps by the number wanted from each of several equal sections of 0 … T − 1 (Nichol & Dhariwal 2021,
 * section 4; `space_timesteps` of improved-diffusion).
 *
 * @param sections counts, the first for the lowest timesteps: `[10, 15, 20]` or "10,15,20"; or "ddimN" for N timesteps by
 * the smallest integer stride that gives N
 * @returns the timesteps, descending
 * @throws {TypeError} if `sections` is neither string nor array
 * @throws {SyntaxError} if the string cannot be parsed
 * @throws {RangeError} if a section has fewer timesteps than are wanted from it, or no integer stride gives N
 */
export const sectionTimesteps = (T: number, sections: string | readonly number[]): Int32Array => {
  checkInteger("T", T, 1);
  if (typeof sections !== "string" && !Array.isArray(sections)) {
    throw new TypeError(`sections must be a string or an array of counts, received ${String(sections)}`);
  }
  const ddim = typeof sections === "string" ? /^ddim(\d+)$/.exec(sections) : null;
  if (ddim !== null) return Int32Array.from(strided(T, Number(ddim[1])).reverse());

  const counts = typeof sections === "string" ? parseCounts(sections) : sections;
  checkInteger("sections.length", counts.length, 1, T);
  const selected: number[] = [];
  let start = 0;
  for (let i = 0; i < counts.length; i++) {
    const size = Math.floor(T / counts.length) + (i < T % counts.length ? 1 : 0);
    const count = checkInteger(`sections[${i}]`, counts[i], 0, size);
    const stride = count <= 1 ? 1 : (size - 1) / (count - 1);
    for (let k = 0, position = 0; k < count; k++, position += stride) selected.push(start + roundHalfEven(position));
    start += size;
  }
  if (selected.length === 0) throw new RangeError("sections must ask for at least 1 timestep, received 0");
  return Int32Array.from(selected.reverse());
};

/**
 * Checks an explicit list of timesteps: integers in [0, T − 1], strictly descending, at least one.
 *
 * @returns the list as an Int32Array
 * @throws {TypeError} if an entry is no number
 * @throws {RangeError} if the list is empty, an entry lies outside or is NaN, or the order is not descending
 */
export const checkTimesteps = (timesteps: ArrayLike<number>, T: number): Int32Array => {
  checkInteger("T", T, 1);
  checkInteger("timesteps.length", timesteps?.length, 1, T);
  for (let i = 0; i < timesteps.length; i++) {
    checkInteger(`timesteps[${i}]`, timesteps[i], 0, T - 1);
    if (i > 0 && timesteps[i] >= timesteps[i - 1]) {
      throw new RangeError(
        `timesteps must be strictly descending, received ${timesteps[i]} after ${timesteps[i - 1]} at index ${i}`,
      );
    }
  }
  return Int32Array.from(timesteps);
};

/** Which timesteps a plan asks for: `steps` of them by `spacing`, or a list. */
export interface TimestepOptions {
  /** The number of steps, in [1, T]. @default T, or the length of `timesteps` */
  steps?: number;
  /** An explicit list, strictly descending, in the place of `spacing`. */
  timesteps?: ArrayLike<number>;
  /** How the timesteps are spread. @default diffusers' own for the sampler */
  spacing?: Spacing;
  /** Added to "leading" timesteps (diffusers' `steps_offset`). @default 0 */
  offset?: number;
}

/** Resolves the timesteps of a plan, descending. */
export const resolveTimesteps = (
  diffusion: Diffusion,
  { steps, timesteps, spacing, offset }: TimestepOptions,
  dropLowest: boolean,
): Int32Array => {
  const T = diffusion.timesteps;
  if (timesteps === undefined) return selectTimesteps(T, steps ?? T, { spacing, offset, dropLowest });
  const list = checkTimesteps(timesteps, T);
  if (steps !== undefined && steps !== list.length) {
    throw new RangeError(
      `steps must be ${list.length}, the number of timesteps listed, or be left out, received ${steps}`,
    );
  }
  return list;
};

/**
 * The process that has only some of the timesteps: with ᾱ as it is at those, β_i = 1 − ᾱ_{S_i} / ᾱ_{S_{i−1}} (Nichol &
 * Dhariwal 2021, eq. 19). Its step i is the network's timestep S_i; all of them make the process itself.
 *
 * @param timesteps S, descending, as `sectionTimesteps` gives them
 * @throws {TypeError} if an entry is no number
 * @throws {RangeError} if the list is empty, an entry lies outside, or the order is not descending
 */
export const respace = (diffusion: Diffusion, timesteps: ArrayLike<number>): Diffusion => {
  const selected = checkTimesteps(timesteps, diffusion.timesteps).reverse();
  const { alphasCumprod, betas } = diffusion;
  const isNext = (i: number) => i === 0 ? selected[0] === 0 : selected[i] === selected[i - 1] + 1;
  return createDiffusion(
    Array.from(
      selected,
      (t, i) => isNext(i) ? betas[t] : 1 - alphasCumprod[t] / (i === 0 ? 1 : alphasCumprod[selected[i - 1]]),
    ),
  );
};
