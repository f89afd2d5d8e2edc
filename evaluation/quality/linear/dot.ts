/** Σ a[i + k]·b[j + k] over k = 0 … length − 1, in float64. */
export const dot = (a: Float64Array, i: number, b: Float64Array, j: number, length: number): number => {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, k = 0;
  for (const whole = length & ~3; k < whole; k += 4) {
    s0 += a[i + k] * b[j + k];
    s1 += a[i + k + 1] * b[j + k + 1];
    s2 += a[i + k + 2] * b[j + k + 2];
    s3 += a[i + k + 3] * b[j + k + 3];
  }
  for (; k < length; k++) s0 += a[i + k] * b[j + k];
  return (s0 + s1) + (s2 + s3);
};
