/**
 * The value below which a share of the values lies, linear between two of them (Hyndman & Fan's type 7, as NumPy's).
 *
 * @param share 0 … 1
 * @throws {RangeError} if there are no values
 */
export const quantile = (values: ArrayLike<number>, share: number): number => {
  if (values.length === 0) throw new RangeError("a quantile must be of one value at least, received none");
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
};
