/**
 * The size of the batch that `rows` rows are padded to where each size is compiled by itself: few sizes, little waste.
 *
 * @returns 1, 2, 4, 8, 16, or a multiple of 8 above
 */
export const bucketOf = (rows: number): number =>
  rows > 16 ? Math.ceil(rows / 8) * 8 : 2 ** Math.ceil(Math.log2(Math.max(1, rows)));

/** `values`, followed by zeros up to `length`. */
export const padTo = (values: Float32Array, length: number): Float32Array => {
  if (values.length === length) return values;
  const padded = new Float32Array(length);
  padded.set(values);
  return padded;
};
