/**
 * Classifier-free guidance (Ho & Salimans 2022, eq. 6, with diffusers' scale s = 1 + w):
 * `uncond + s·(cond − uncond)` for the prediction; a learned variance, in the channels after it, is `cond`'s.
 *
 * @param out receives the result, H·W·outChannels values; all three are NHWC
 */
export const guide = (
  out: Float32Array,
  cond: Float32Array,
  uncond: Float32Array,
  { scale, channels, outChannels }: { scale: number; channels: number; outChannels: number },
): void => {
  out.set(cond);
  for (let pixel = 0; pixel < out.length; pixel += outChannels) {
    for (let i = pixel; i < pixel + channels; i++) out[i] = uncond[i] + scale * (cond[i] - uncond[i]);
  }
};
