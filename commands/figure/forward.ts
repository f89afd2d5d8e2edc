import type { z } from "zod";
import { betaSchedule, createDiffusion } from "../../core/mod.ts";
import { forwardFigure } from "../../figures/forward.ts";
import { randomSeed } from "../../sampling/parameters.ts";
import type { forwardOptions } from "../figure.ts";
import { modelCaption, scheduleCaption } from "./captions.ts";
import { drawFigure } from "./draw_figure.ts";
import { readFigureImages, resolveFigureSampling, shownTimesteps } from "./inputs.ts";

/** Draws the forward process. */
export const drawForward = (options: z.output<typeof forwardOptions>): Promise<number> =>
  drawFigure("figure forward", options, async (context) => {
    const { target } = context;
    const { schedule, seed = randomSeed() } = options;
    const T = target.timesteps;
    const times = shownTimesteps(options.t, T);
    const diffusion = schedule === undefined ? target.diffusion : createDiffusion(betaSchedule(schedule, T));
    const { images, origin } = await readFigureImages(options, context, {
      least: 1,
      most: 8,
      sampling: () => resolveFigureSampling({ ...options, seed }, 1, context),
    });
    const svg = forwardFigure({
      images: images.map((values) => ({ ...target, values })),
      diffusion,
      times,
      seed,
      note: `Schedule ${schedule ?? scheduleCaption(target.scheduler)}, $T = ${T}$; ${origin}; seed\u00a0${seed}; ` +
        modelCaption(options.model),
    });
    return { svg, facts: { seed } };
  });
