import type { z } from "zod";
import { interpolateLatents, lerp, slerp } from "../../core/mod.ts";
import { interpolationFigure, type InterpolationRow, LAMBDAS } from "../../figures/interpolation.ts";
import { compileTask } from "../../sampling/compile.ts";
import { startRow } from "../../sampling/denoise.ts";
import { randomSeed, type ResolvedSampling } from "../../sampling/parameters.ts";
import { UsageError } from "../cli/command.ts";
import { withFlagNames } from "../cli/in_flags.ts";
import type { interpolateOptions } from "../figure.ts";
import { modelCaption, samplerCaption } from "./captions.ts";
import { drawFigure, type FigureContext } from "./draw_figure.ts";
import { readFigureImages, resolveFigureSampling, shownTimesteps } from "./inputs.ts";

type Options = z.output<typeof interpolateOptions>;

/** Images between two are of no class, if the model can, unless one is named. */
const resolve = (options: Options & { seed: number }, context: FigureContext): ResolvedSampling => {
  const { labels, nullLabel } = context.limits;
  if (options.label === undefined && labels !== null && nullLabel === null) {
    throw new UsageError("--label must be given: this model draws no image without");
  }
  const sampling = resolveFigureSampling(options, LAMBDAS.length, context);
  const isFree = options.label === undefined && nullLabel !== null;
  if (isFree && options.guidance !== 1) {
    throw new UsageError(`--guidance must be 1 (off) without --label, received ${options.guidance}`);
  }
  return isFree ? { ...sampling, labels: LAMBDAS.map(() => nullLabel) } : sampling;
};

/** Draws images between two. */
export const drawInterpolation = (options: Options): Promise<number> =>
  drawFigure("figure interpolate", options, async (context) => {
    const { target } = context;
    const { method, seed = randomSeed() } = options;
    const T = target.timesteps;
    const times = options.t.length > 0 ? shownTimesteps(options.t, T) : [Math.floor(T / 2)];
    const sampling = resolve({ ...options, seed }, context);
    const { images: [a, b], origin } = await readFigureImages(options, context, {
      least: 2,
      most: 2,
      sampling: () => resolveFigureSampling({ ...options, seed }, 2, context),
    });

    const taskAt = (t: number) =>
      withFlagNames(() =>
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
    await context.denoise(rows.flatMap(({ work }) => work));

    const svg = interpolationFigure({
      shape: target,
      sources: [a, b],
      rows,
      note:
        `Latents mixed ${method === "linear" ? "linearly" : "spherically"}; ${samplerCaption(sampling)}; ${origin}; ` +
        `seed\u00a0${seed}; ${modelCaption(options.model)}`,
    });
    return { svg, facts: { seed } };
  });
