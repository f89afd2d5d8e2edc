import type { Enlargement } from "../../formats/enlarge.ts";
import { gridSize } from "../../formats/grid.ts";
import { ParameterError } from "../../sampling/errors.ts";
import type { Limits } from "../http/limits.ts";
import { type Format, isFilm } from "../http/negotiate.ts";
import type { Drawing } from "./answer.ts";
import { frameCount, type ResolvedDrawing } from "./draw.ts";

/** What decides how many pixels an answer has. */
interface PictureExtent {
  readonly shape: { readonly height: number; readonly width: number };
  /** Images of the answer, and those in each frame of its film. */
  readonly count: number;
  readonly framed: number;
  readonly columns?: number;
  /** Frames of its film, or pictures of either kind in an event stream. */
  readonly frames: number;
}

/** Pixels of all pictures of an answer, where no image is made larger. */
const pixelsOf = ({ shape, count, framed, columns, frames }: PictureExtent, format: Format): number => {
  const apart = (images: number) => images * shape.height * shape.width;
  const together = (images: number) => {
    if (images === 1) return apart(1);
    const { height, width } = gridSize(images, shape, { columns });
    return height * width;
  };
  switch (format) {
    case "png":
      return together(count);
    case "apng":
    case "gif":
      return frames * together(framed);
    case "event-stream":
      return 2 * frames * together(framed) + apart(count);
    default:
      return apart(count);
  }
};

const isArray = (format: Format): boolean => format === "npy" || format === "npz";

const check = (
  { scale, resampler }: Enlargement,
  extent: PictureExtent,
  format: Format,
  { enlargedPixels }: Pick<Limits, "enlargedPixels">,
): void => {
  if (scale === 1) return;
  const refuse = (allowed: string) => {
    throw new ParameterError([{ field: "scale", received: scale, allowed }]);
  };
  if (isArray(format)) refuse(`1 with format ${format}, which holds the values as the sampler left them`);
  // What is smooth has many colours, and a GIF of it takes long.
  const pixels = isFilm(format) && resampler === "lanczos" ? enlargedPixels / 4 : enlargedPixels;
  const most = Math.max(1, Math.floor(Math.sqrt(pixels / pixelsOf(extent, format))));
  const allowed = most === 1 ? "1" : `in [1, ${most}]`;
  if (scale > most) refuse(`${allowed}: all pictures of this answer may have ${pixels} pixels together`);
};

/**
 * Checks that the pictures of a request can be made as large as is asked.
 *
 * @param options.later whether it is drawn while its client is elsewhere, so that its film is in its events as well
 * @throws {ParameterError} if they would have too many pixels, or the format has none
 */
export const checkScale = (
  resolved: ResolvedDrawing,
  format: Format,
  limits: Pick<Limits, "enlargedPixels">,
  { later = false }: { later?: boolean } = {},
): void => {
  const { model: shape, prepared: { count, framed, columns }, enlargement } = resolved;
  const formats: Format[] = later && (resolved.frames ?? frameCount(resolved, format)) > 0
    ? [format, "event-stream"]
    : [format];
  for (const format of formats) {
    // The film of a strip is the strip, image by image.
    const frames = Math.max(frameCount(resolved, format), framed === undefined ? 0 : count);
    check(enlargement, { shape, count, framed: framed ?? count, columns, frames }, format, limits);
  }
};

/**
 * How large the pictures are in which a drawing that is kept is fetched: as large as is asked, or else as was asked when
 * it was made; then arrays have none.
 *
 * @throws {ParameterError} as `checkScale` does
 */
export const enlargementOf = (
  { shape, items, columns, frames, enlargement }: Drawing,
  format: Format,
  { scale, resampler }: Partial<Enlargement>,
  limits: Pick<Limits, "enlargedPixels">,
): Enlargement => {
  const chosen = { scale: scale ?? enlargement.scale, resampler: resampler ?? enlargement.resampler };
  if (scale === undefined && isArray(format)) return chosen;
  const framed = (frames[0]?.length ?? 0) / (shape.height * shape.width * shape.channels);
  check(chosen, { shape, count: items.length, framed, columns, frames: frames.length }, format, limits);
  return chosen;
};
