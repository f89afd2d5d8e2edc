/// <reference lib="deno.worker" />
import { ImageError } from "../formats/raster/raster.ts";
import { extentOf, readPicture, squareBytes } from "./decode_picture.ts";
import type { DecodeRequest, DecodeResult } from "./decode_pool.ts";

/** What concerns one file alone; anything else ends the preparation. */
const concernsTheFile = (error: unknown): error is Error =>
  error instanceof ImageError || error instanceof Deno.errors.NotFound ||
  error instanceof Deno.errors.PermissionDenied;

const decode = async ({ id, paths, size, exact }: DecodeRequest): Promise<DecodeResult> => {
  const bytes = 3 * size * size;
  const images = new Uint8Array(paths.length * bytes);
  const faults: { index: number; reason: string; kind: string }[] = [];
  let isGray = true, read = 0;
  for (const [index, path] of paths.entries()) {
    try {
      const raster = await readPicture(path);
      const { height, width } = extentOf(raster);
      if (exact && (height !== size || width !== size)) return { id, differs: { index, height, width } };
      const image = squareBytes(raster, size);
      images.set(image, read++ * bytes);
      for (let i = 0; i < bytes && isGray; i += 3) isGray = image[i] === image[i + 1] && image[i] === image[i + 2];
    } catch (error) {
      if (!concernsTheFile(error)) throw error;
      faults.push({ index, reason: error.message, kind: error instanceof ImageError ? error.fault : "unreadable" });
    }
  }
  return { id, images: images.subarray(0, read * bytes), isGray, faults };
};

self.onmessage = async ({ data }: MessageEvent<DecodeRequest>) => {
  try {
    const answer = await decode(data);
    self.postMessage(answer, "images" in answer ? [answer.images.buffer] : []);
  } catch (error) {
    self.postMessage({ id: data.id, failed: error instanceof Error ? error.message : String(error) });
  }
};
