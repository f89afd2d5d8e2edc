import type { z } from "zod";
import { interpolateLatents, lerp, slerp } from "../../core/mod.ts";
import { interpolationFigure, type InterpolationRow, LAMBDAS } from "../../figures/interpolation.ts";
import { compileTask } from "../../serving/compile.ts";
import { randomSeed, type ResolvedSampling } from "../../serving/resolve.ts";
import { startRow } from "../../serving/row.ts";
import { inFlags } from "../in_flags.ts";
import type { interpolateOptions } from "../interpolate.ts";
import { UsageError } from "../usage_error.ts";
import { openSources, resolveFor } from "./sources.ts";
import { drawFigure, type Studio } from "./studio.ts";
import { timesOr } from "./times.ts";
import { modelWords, samplerWords } from "./words.ts";

type Options = z.output<typeof interpolateOptions>;

/** Images between two are of no class, if the model can, unless one is named. */
const resolve = (options: Options & { seed: number }, studio: Studio): ResolvedSampling => {
  const { labels, nullLabel } = studio.limits;
  if (options.label === undefined && labels !== null && nullLabel === null) {
    throw new UsageError("--label must be given: this model draws no image without");
  }
  const sampling = resolveFor(options, LAMBDAS.length, studio);
  const isFree = options.label === undefined && nullLabel !== null;
  if (isFree && options.guidance !== 1) {
    throw new UsageError(`--guidance must be 1 (off) without --label, received ${options.guidance}`);
  }
  return isFree ? { ...sampling, labels: LAMBDAS.map(() => nullLabel) } : sampling;
};

/** Draws images between two. */
export const drawInterpolation = (options: Options): Promise<number> =>
  drawFigure("interpolate", options, async (studio) => {
    const { target } = studio;
    const { method, seed = randomSeed() } = options;
    const T = target.timesteps;
    const times = options.t.length > 0 ? timesOr(options.t, T) : [Math.floor(T / 2)];
    const sampling = resolve({ ...options, seed }, studio);
    const { images: [a, b], origin } = await openSources(options, studio, {
      least: 2,
      most: 2,
      sampling: () => resolveFor({ ...options, seed }, 2, studio),
    });

    const taskAt = (t: number) =>
      inFlags(() =>
        compileTask({
          kind: "interpolate",
          sampling,
          sources: [{ image: a }, { image: b }],
          t: t - 1,
          lambdas: LAMBDAS,
          method,
        }, target)
      );
    const rows = times.map((t): InterpolationRow & { work: ReturnType<typeof startRow>[] } => {
      if (t === 0) {
        const mix = method === "linear" ? lerp : slerp;
        return { t, latents: [a, b], mixtures: LAMBDAS.map((lambda) => mix(a, b, lambda)), work: [] };
      }
      const task = taskAt(t);
      const work = LAMBDAS.map((_, i) => startRow(task, i));
      const latent = (lambda: number) =>
        interpolateLatents(target.diffusion, a, b, { t: t - 1, lambda, method: "linear", seed });
      return { t, latents: [latent(0), latent(1)], mixtures: work.map(({ x }) => x), work };
    });
    await studio.denoise(rows.flatMap(({ work }) => work));

    const svg = interpolationFigure({
      shape: target,
      sources: [a, b],
      rows,
      note:
        `Latents mixed ${method === "linear" ? "linearly" : "spherically"}; ${samplerWords(sampling)}; ${origin}; ` +
        `seed\u00a0${seed}; ${modelWords(options.model)}`,
    });
    return { svg, facts: { seed } };
  });
