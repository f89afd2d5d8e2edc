import type { Raster, RasterHeader } from "./raster.ts";

/** Lays a frame of RGBA on the picture that it is a part of, which is transparent elsewhere. */
export const onCanvas = (
  frame: Raster["data"],
  { height, width }: RasterHeader,
  canvas: RasterHeader & { readonly x: number; readonly y: number },
): Omit<Raster, "orientation"> => {
  const data = new Uint8Array(4 * canvas.height * canvas.width);
  const across = Math.min(width, canvas.width - canvas.x);
  for (let row = 0; row < Math.min(height, canvas.height - canvas.y) && across > 0; row++) {
    const from = 4 * row * width;
    data.set(frame.subarray(from, from + 4 * across), 4 * ((row + canvas.y) * canvas.width + canvas.x));
  }
  return { height: canvas.height, width: canvas.width, channels: 4, data };
};
