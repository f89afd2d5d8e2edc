import { decodeNpz } from "../../formats/npz.ts";
import { EvaluationError } from "../error.ts";
import type { FeatureStatistics } from "./statistics.ts";

/** Statistics of images that somebody else has computed: of how many is not said. */
export type GivenStatistics = Omit<FeatureStatistics, "count">;

const isZip = async (path: string): Promise<boolean> => {
  if (!path.endsWith(".npz")) return false;
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
};

/**
 * Reads the statistics in an `.npz` as pytorch-fid, clean-fid and this project keep them: `mu` of d values and `sigma` of
 * d×d, float64 or float32.
 *
 * @returns `null` if the path is no `.npz`, or it holds images and no statistics
 * @throws {EvaluationError} if it is damaged, or their shapes do not fit each other
 */
export const readGivenStatistics = async (path: string): Promise<GivenStatistics | null> => {
  if (!await isZip(path)) return null;
  const arrays = await (async () => {
    try {
      return decodeNpz(await Deno.readFile(path), { only: (name) => name === "mu" || name === "sigma" });
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new EvaluationError(`cannot read ${path}: ${cause.message}`, { cause });
    }
  })();
  const { mu, sigma } = arrays;
  if (!mu || !sigma) return null;
  const size = mu.data.length;
  const fits = `${mu.shape}` === `${size}` && `${sigma.shape}` === `${size},${size}`;
  if (!fits || [mu, sigma].some(({ dtype }) => dtype !== "float64" && dtype !== "float32")) {
    throw new EvaluationError(
      `cannot read ${path}: mu must be floats of shape (d) and sigma of (d, d), received ${mu.dtype} of ` +
        `(${mu.shape.join(", ")}) and ${sigma.dtype} of (${sigma.shape.join(", ")})`,
    );
  }
  return {
    mean: Float64Array.from(mu.data as Float64Array),
    covariance: Float64Array.from(sigma.data as Float64Array),
  };
};
