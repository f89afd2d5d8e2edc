import { gridSize } from "../formats/grid.ts";
import type { ModelInfo } from "../sampling/loaded_model.ts";
import type { Limits } from "./http/limits.ts";

/** Pixels along the longer side of a picture that is easily looked at. */
const COMFORTABLE = 600;

/** Pixels that are drawn in a moment. */
const QUICK = 2 ** 15;

/**
 * Where a first picture is: by the model's own defaults, of as many images as are soon drawn, and as large as is easily
 * looked at.
 *
 * @param limits.images of one request, at most
 */
export const firstPath = (
  { height, width }: Pick<ModelInfo, "height" | "width">,
  { images }: Pick<Limits, "images">,
): string => {
  const n = [16, 4].find((count) => count <= images && count * height * width <= QUICK) ?? 1;
  const { height: high, width: wide } = n === 1 ? { height, width } : gridSize(n, { height, width });
  const scale = Math.min(16, Math.max(1, Math.floor(COMFORTABLE / Math.max(high, wide))));
  const query = [...n > 1 ? [`n=${n}`] : [], ...scale > 1 ? [`scale=${scale}`] : []].join("&");
  return query === "" ? "/generate" : `/generate?${query}`;
};
