/** Means and spreads of quantities over images that come one by one (Welford 1962). */
export interface Moments {
  /** Images so far. */
  count: number;
  readonly means: Float64Array<ArrayBuffer>;
  /** Sums of squared distances from the mean. */
  readonly squares: Float64Array<ArrayBuffer>;
}

/** Moments of `length` quantities, of no image yet. */
export const createMoments = (length: number): Moments => ({
  count: 0,
  means: new Float64Array(length),
  squares: new Float64Array(length),
});

/** Adds an image's quantities. The bits of the result depend on the order of the images alone. */
export const addToMoments = (moments: Moments, values: Float64Array): void => {
  const { means, squares } = moments;
  const count = ++moments.count;
  for (let i = 0; i < means.length; i++) {
    const before = values[i] - means[i];
    means[i] += before / count;
    squares[i] += before * (values[i] - means[i]);
  }
};

/** The standard error of mean `i`; `null` for less than two images, which have no spread. */
export const standardError = ({ count, squares }: Moments, i: number): number | null =>
  count < 2 ? null : Math.sqrt(squares[i] / (count - 1) / count);
