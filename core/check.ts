/** Argument checks. Each names the argument and what was received; none allocates. */

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
 * Checks that an image has `length` elements.
 *
 * @throws {TypeError} if `value` is no Float32Array or Float64Array
 * @throws {RangeError} if its length differs
 */
export const checkLength = (name: string, value: unknown, length: number): void => {
  if (!(value instanceof Float32Array || value instanceof Float64Array)) {
    throw new TypeError(`${name} must be a Float32Array or Float64Array, received ${received(value)}`);
  }
  if (value.length !== length) {
    throw new RangeError(`${name} must have ${length} elements, received ${value.length}`);
  }
};
