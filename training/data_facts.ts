import type { DatasetParts } from "../datasets/dataset.ts";
import { quoteText } from "../model/error.ts";

/** What going on with a training takes to be as it was: of its images all but their name and where they lie. */
export interface DataFacts {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Names of the classes, in their order; `null` where there are none, or nothing depends on them. */
  readonly classes: readonly string[] | null;
  /** Digest of the prepared images, their order and their classes; `null` for images that the program makes. */
  readonly digest: string | null;
}

/**
 * What a training takes of its images for granted.
 *
 * @param options.conditional whether the names of the classes matter
 */
export const dataFactsOf = (
  { count, height, width, channels, classNames, fingerprint }: DatasetParts,
  { conditional = true }: { conditional?: boolean } = {},
): DataFacts => ({
  images: count,
  height,
  width,
  channels,
  classes: conditional && classNames ? [...classNames] : null,
  digest: fingerprint ?? null,
});

const MOST_CLASSES = 12;

const list = (classes: readonly string[] | null): string => {
  if (classes === null) return "none";
  const shown = classes.slice(0, MOST_CLASSES).map((name) => quoteText(name)).join(", ");
  return classes.length > MOST_CLASSES ? `${shown} … (${classes.length})` : shown;
};

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What images differ by from those of before, in words; `null` where they are the same. */
export const compareData = (before: DataFacts, now: DataFacts): string | null => {
  const extent = ({ height, width }: DataFacts) => `${height}×${width}`;
  const differences = [
    !isSame(before.classes, now.classes) && `classes were ${list(before.classes)}, now ${list(now.classes)}`,
    before.images !== now.images && `images were ${before.images}, now ${now.images}`,
    extent(before) !== extent(now) && `their size was ${extent(before)}, now ${extent(now)}`,
    before.channels !== now.channels && `their channels were ${before.channels}, now ${now.channels}`,
  ].filter((difference) => difference !== false);
  if (differences.length > 0) return differences.join("; ");
  return before.digest === now.digest ? null : "as many as before, but other images, classes or another order";
};
