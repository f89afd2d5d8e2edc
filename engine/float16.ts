/**
 * Rounds to the nearest numbers of float16, ties to even.
 *
 * @throws {RangeError} if a finite value is too large: 65504 is the largest that there is
 */
export const roundToFloat16 = (values: Float32Array): Float16Array<ArrayBuffer> => {
  const halves = new Float16Array(values);
  const lost = halves.findIndex((half, i) => !Number.isFinite(half) && Number.isFinite(values[i]));
  if (lost >= 0) throw new RangeError(`value must be in [-65504, 65504] for float16, received ${values[lost]}`);
  return halves;
};
