import { ImageError } from "../image_error.ts";
import type { PngHeader } from "./png_header.ts";
import type { Raster } from "./raster.ts";

type Samples = Uint8Array | Uint16Array;
type Colours = Pick<Raster, "channels" | "data">;

const lookUp = (indices: Samples, palette: Uint8Array, alphas: Uint8Array | null): Colours => {
  const colours = palette.length / 3;
  const channels = alphas ? 4 : 3;
  const data = new Uint8Array(indices.length * channels);
  for (let p = 0, at = 0; p < indices.length; p++, at += channels) {
    const index = indices[p];
    if (index >= colours) {
      throw new ImageError("damaged", `a pixel names colour ${index} of a palette of ${colours}`);
    }
    for (let c = 0; c < 3; c++) data[at + c] = palette[3 * index + c];
    if (alphas) data[at + 3] = alphas[index] ?? 255;
  }
  return { channels, data };
};

/** Adds an alpha that is 0 where all samples of a pixel are those of `key`. */
const addAlpha = (samples: Samples, channels: 1 | 3, key: readonly number[], most: number): Colours => {
  const pixels = samples.length / channels;
  const data = samples instanceof Uint16Array
    ? new Uint16Array(pixels * (channels + 1))
    : new Uint8Array(pixels * (channels + 1));
  for (let p = 0; p < pixels; p++) {
    let isKey = true;
    for (let c = 0; c < channels; c++) {
      const sample = samples[p * channels + c];
      data[p * (channels + 1) + c] = sample;
      if (sample !== key[c]) isKey = false;
    }
    data[p * (channels + 1) + channels] = isKey ? 0 : most;
  }
  return { channels: channels === 1 ? 2 : 4, data };
};

/**
 * Samples as they are stored → gray or RGB over the full range, with alpha where the file has any.
 *
 * @param palette the data of PLTE
 * @param transparency the data of tRNS
 * @throws {ImageError} if the palette or the transparency do not fit the picture
 */
export const pngColours = (
  { colour, depth, samples: channels }: PngHeader,
  samples: Samples,
  { palette, transparency }: { palette: Uint8Array | null; transparency: Uint8Array | null },
): Colours => {
  if (colour === 3) {
    if (palette === null) throw new ImageError("damaged", "the PNG has no palette, and its pixels need one");
    if (palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768) {
      throw new ImageError("damaged", `a palette must have 3 to 768 bytes, three a colour; it has ${palette.length}`);
    }
    return lookUp(samples, palette, transparency);
  }
  const most = (1 << depth) - 1;
  const result = ((): Colours => {
    if (transparency === null || (channels !== 1 && channels !== 3)) return { channels, data: samples };
    if (transparency.length !== 2 * channels) {
      throw new ImageError(
        "damaged",
        `the transparent colour must have ${2 * channels} bytes, it has ${transparency.length}`,
      );
    }
    const key = Array.from({ length: channels }, (_, c) => transparency[2 * c] << 8 | transparency[2 * c + 1]);
    return addAlpha(samples, channels, key, most);
  })();
  if (depth < 8) {
    for (let i = 0; i < result.data.length; i++) result.data[i] *= 255 / most;
  }
  return result;
};
