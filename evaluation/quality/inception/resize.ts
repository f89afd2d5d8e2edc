import { type Line, resample } from "../../../formats/resample.ts";
import { INCEPTION_SIDE as SIDE } from "./architecture.ts";

/**
 * How images are brought to 299×299. `tensorflow`: bilinear as TensorFlow 1 does it, with corners at the pixels' corners,
 * in FID's own code and in torch-fidelity; `pytorch`: bilinear with pixels' centres, not antialiased, in pytorch-fid;
 * `clean`: antialiased bicubic, cut to [0, 255], in clean-fid. Numbers by different methods do not compare.
 */
export const RESIZE_METHODS = ["tensorflow", "pytorch", "clean"] as const;

/** The name of a way to resize. */
export type ResizeMethod = typeof RESIZE_METHODS[number];

/** Between which two values of a line each new one lies, and where between them. */
interface ResampledPosition {
  readonly low: number;
  readonly high: number;
  readonly part: number;
}

const resampledPositions = (input: number, method: "tensorflow" | "pytorch"): ResampledPosition[] =>
  Array.from({ length: SIDE }, (_, i) => {
    const scale = input / SIDE;
    const position = method === "tensorflow"
      ? Math.fround(i * Math.fround(scale))
      : Math.max(0, scale * (i + 0.5) - 0.5);
    const low = Math.min(input - 1, Math.floor(position));
    return { low, high: Math.min(input - 1, low + 1), part: position - low };
  });

const bilinear = (
  image: Uint8Array,
  height: number,
  width: number,
  method: "tensorflow" | "pytorch",
  out: Float32Array,
): void => {
  const across = resampledPositions(width, method);
  const lines = new Float32Array(height * SIDE * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (const { low, high, part } of across) {
      for (let c = 0; c < 3; c++) {
        const from = image[(y * width + low) * 3 + c];
        lines[at++] = from + (image[(y * width + high) * 3 + c] - from) * part;
      }
    }
  }
  const size = SIDE * 3;
  let at = 0;
  for (const { low, high, part } of resampledPositions(height, method)) {
    for (let i = 0; i < size; i++) {
      const from = lines[low * size + i];
      out[at++] = from + (lines[high * size + i] - from) * part;
    }
  }
};

const clean = (image: Uint8Array, height: number, width: number, out: Float32Array): void => {
  const read = (y: number, line: Line) => line.set(image.subarray(y * width * 3, (y + 1) * width * 3));
  const values = resample({ height, width, channels: 3, read }, {
    across: { start: 0, length: width },
    down: { start: 0, length: height },
    height: SIDE,
    width: SIDE,
    kernel: "cubic",
  });
  for (let i = 0; i < values.length; i++) out[i] = Math.min(255, Math.max(0, values[i]));
};

/**
 * Brings an image to 299×299.
 *
 * @param image flat RGB bytes
 * @param out receives 299·299·3 values in [0, 255]
 */
export const resizeForInception = (
  image: Uint8Array,
  { height, width }: { height: number; width: number },
  method: ResizeMethod,
  out: Float32Array,
): void => method === "clean" ? clean(image, height, width, out) : bilinear(image, height, width, method, out);
