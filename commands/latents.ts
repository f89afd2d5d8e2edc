import { decodeNpy } from "../formats/npy.ts";
import { type ImageShape, nchwToNhwc } from "../formats/pixels.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Reads x_T from a `.npy` of float32, shape [n, C, H, W].
 *
 * @returns flat NHWC, as the sampler holds images
 * @throws {UsageError} if the file cannot be read or does not fit the model
 */
export const readLatents = async (
  path: string,
  shape: ImageShape,
): Promise<{ count: number; values: Float32Array<ArrayBuffer> }> => {
  const refuse = (reason: string, cause?: unknown) => new UsageError(`--latents ${path}: ${reason}`, { cause });
  const bytes = await Deno.readFile(path).catch((cause) => {
    throw cause instanceof Deno.errors.NotFound ? refuse("there is no such file", cause) : cause;
  });
  const array = (() => {
    try {
      return decodeNpy(bytes);
    } catch (cause) {
      throw cause instanceof SyntaxError ? refuse(cause.message, cause) : cause;
    }
  })();
  const { channels, height, width } = shape;
  const [count, ...extent] = array.shape;
  const expected = [channels, height, width];
  if (array.shape.length !== 4 || count < 1 || expected.some((size, i) => extent[i] !== size)) {
    throw refuse(`its shape must be (n, ${expected.join(", ")}) for this model, received (${array.shape.join(", ")})`);
  }
  if (!(array.data instanceof Float32Array)) throw refuse(`its type must be float32, received ${array.dtype}`);
  if (!array.data.every(Number.isFinite)) throw refuse("its values must be finite");
  return { count, values: nchwToNhwc(array.data, shape) };
};
