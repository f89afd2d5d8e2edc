import type { StoredTensor } from "../../model/safetensors.ts";

/** PyTorch's images [n, C, H, W] as [n, H, W, C]. */
export const nhwc = (
  { shape: [n, channels, height, width], data }: StoredTensor,
): StoredTensor & { readonly shape: [number, number, number, number] } => {
  const pixels = height * width;
  const values = new Float32Array(data.length);
  for (let row = 0; row < n; row++) {
    for (let c = 0; c < channels; c++) {
      const from = (row * channels + c) * pixels, to = row * channels * pixels + c;
      for (let i = 0; i < pixels; i++) values[to + i * channels] = data[from + i];
    }
  }
  return { shape: [n, height, width, channels], data: values };
};
