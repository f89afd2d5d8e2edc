/** Argument checks. Each names the argument and what was received. */

/** Describes a received value in an error message: strings quoted, typed arrays by kind and length. */
const received = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${(value as Float32Array).length})`;
  if (Array.isArray(value)) return `Array(${value.length})`;
  return String(value);
};

/**
 * Checks that `value` is an integer in [`min`, `max`].
 *
 * @throws {TypeError} if `value` is no number
 * @throws {RangeError} if `value` is no integer or lies outside
 */
export const checkInteger = (name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number => {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, received ${received(value)}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `≥ ${min}` : `in [${min}, ${max}]`;
    throw new RangeError(`${name} must be an integer ${range}, received ${value}`);
  }
  return value;
};

/**
 * Checks that `value` is a finite number in [`min`, `max`]; an end is excluded when it is listed in `open`.
 *
 * @throws {TypeError} if `value` is no number
 * @throws {RangeError} if `value` is NaN, infinite or outside
 */
export const checkNumber = (
  name: string,
  value: unknown,
  min = -Infinity,
  max = Infinity,
  open: { min?: boolean; max?: boolean } = {},
): number => {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, received ${received(value)}`);
  const inside = (open.min ? value > min : value >= min) && (open.max ? value < max : value <= max);
  if (!Number.isFinite(value) || !inside) {
    const range = min === -Infinity && max === Infinity
      ? "finite"
      : `in ${open.min ? "(" : "["}${min}, ${max}${open.max ? ")" : "]"}`;
    throw new RangeError(`${name} must be ${range}, received ${value}`);
  }
  return value;
};

/**
 * Checks that `value` is one of the strings in `allowed`.
 *
 * @throws {TypeError} if `value` is no string
 * @throws {RangeError} if `value` is another string
 */
export const checkOneOf = <T extends string>(name: string, value: unknown, allowed: readonly T[]): T => {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, received ${received(value)}`);
  if (!(allowed as readonly string[]).includes(value)) {
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}, received ${JSON.stringify(value)}`);
  }
  return value as T;
};

/**
 * Checks that `value` holds floats.
 *
 * @throws {TypeError} if `value` is no Float32Array or Float64Array
 */
export function checkFloats(name: string, value: unknown): asserts value is Float32Array | Float64Array {
  if (!(value instanceof Float32Array || value instanceof Float64Array)) {
    throw new TypeError(`${name} must be a Float32Array or Float64Array, received ${received(value)}`);
  }
}

/**
 * Checks that an image has `length` elements.
 *
 * @throws {TypeError} if `value` is no Float32Array or Float64Array
 * @throws {RangeError} if its length differs
 */
export const checkLength = (name: string, value: unknown, length: number): void => {
  checkFloats(name, value);
  if (value.length !== length) {
    throw new RangeError(`${name} must have ${length} elements, received ${value.length}`);
  }
};

/**
 * How many values are NaN or ±∞. Where there is none, one sum tells: it is finite if every value is, but for float64s so
 * large that they are counted after all.
 */
export const countNonFinite = (values: Float32Array | Float64Array): number => {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, i = 0;
  for (const whole = values.length & ~3; i < whole; i += 4) {
    s0 += values[i];
    s1 += values[i + 1];
    s2 += values[i + 2];
    s3 += values[i + 3];
  }
  for (; i < values.length; i++) s0 += values[i];
  if (Number.isFinite(s0 + s1 + s2 + s3)) return 0;
  let count = 0;
  for (const value of values) if (!Number.isFinite(value)) count++;
  return count;
};

/**
 * Checks that images have the same number of elements, the first one's.
 *
 * @throws {TypeError} if one is no Float32Array or Float64Array
 * @throws {RangeError} if a length differs
 */
export const checkSameLength = (images: Record<string, Float32Array | Float64Array>): void => {
  let length = -1;
  for (const name in images) {
    if (length < 0) checkFloats(name, images[name]);
    else checkLength(name, images[name], length);
    length = images[name].length;
  }
};

/**
 * Checks the variances of a forward process: at least one, each in (0, 1), the last in (0, 1].
 *
 * @throws {TypeError} if one is no number
 * @throws {RangeError} if there is none, or one is NaN or outside
 */
export const checkBetas = (betas: ArrayLike<number>): void => {
  const T = betas.length;
  if (!(T >= 1)) throw new RangeError(`betas must have at least 1 element, received ${T}`);
  for (let t = 0; t < T; t++) checkNumber(`betas[${t}]`, betas[t], 0, 1, { min: true, max: t < T - 1 });
};
