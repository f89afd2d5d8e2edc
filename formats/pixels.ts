/** Extent of a batch of images; their values lie flat, image after image. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1 is gray, 3 is RGB. */
  readonly channels: number;
}

/** 8-bit images, flat NHWC. */
export interface ByteImages extends ImageShape {
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Values in [−1, 1] → bytes: (x + 1) · 127.5 rounded half to even, clamped to [0, 255]; NaN becomes 0. */
export const toBytes = (values: Float32Array): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = (values[i] + 1) * 127.5;
  return new Uint8Array(bytes.buffer);
};

/** Bytes → values in [−1, 1]: b / 127.5 − 1. `toBytes` takes each back to where it came from. */
export const fromBytes = (bytes: Uint8Array): Float32Array<ArrayBuffer> => {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 127.5 - 1;
  return values;
};

const imagesIn = (length: number, { height, width, channels }: ImageShape): number => {
  const count = length / (height * width * channels);
  if (!Number.isInteger(count)) {
    throw new RangeError(`values must hold whole ${height}×${width}×${channels} images, received ${length} elements`);
  }
  return count;
};

/**
 * Channels last → channels first: flat NHWC to flat NCHW, as PyTorch stores images.
 *
 * @throws {RangeError} if `values` does not hold whole images
 */
export const nhwcToNchw = (values: Float32Array, shape: ImageShape): Float32Array<ArrayBuffer> => {
  const { channels, height, width } = shape;
  const [count, pixels] = [imagesIn(values.length, shape), height * width];
  const out = new Float32Array(values.length);
  for (let i = 0, at = 0; i < count; i++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) out[at++] = values[(i * pixels + p) * channels + c];
    }
  }
  return out;
};

/**
 * Channels first → channels last: flat NCHW to flat NHWC.
 *
 * @throws {RangeError} if `values` does not hold whole images
 */
export const nchwToNhwc = (values: Float32Array, shape: ImageShape): Float32Array<ArrayBuffer> => {
  const { channels, height, width } = shape;
  const [count, pixels] = [imagesIn(values.length, shape), height * width];
  const out = new Float32Array(values.length);
  for (let i = 0, at = 0; i < count; i++) {
    for (let p = 0; p < pixels; p++) {
      for (let c = 0; c < channels; c++) out[at++] = values[(i * channels + c) * pixels + p];
    }
  }
  return out;
};
