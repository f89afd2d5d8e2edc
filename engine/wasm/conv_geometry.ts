import * as tf from "@tensorflow/tfjs-core";

/** Where a convolution's filter falls on its input. */
export interface ConvGeometry {
  readonly strideHeight: number;
  readonly strideWidth: number;
  /** Zeros around the input. */
  readonly padding: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}

/**
 * Reads a convolution's geometry off what tfjs gives a gradient kernel.
 *
 * @param inputShape [B, H, W, in]
 * @param filterShape [height, width, in, out]
 */
export const convGeometry = (
  inputShape: [number, number, number, number],
  filterShape: [number, number, number, number],
  { strides, pad, dimRoundingMode }: tf.NamedAttrMap,
): ConvGeometry => {
  const [strideHeight, strideWidth] = typeof strides === "number" ? [strides, strides] : strides as [number, number];
  const { padInfo } = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    [strideHeight, strideWidth],
    1,
    pad as "same",
    dimRoundingMode as "floor" | undefined,
  );
  return { strideHeight, strideWidth, padding: padInfo };
};
