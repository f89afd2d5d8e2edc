import type { z } from "zod";
import { betaSchedule, createDiffusion } from "../../core/mod.ts";
import { forwardFigure } from "../../figures/forward.ts";
import { randomSeed } from "../../serving/resolve.ts";
import type { forwardOptions } from "../forward.ts";
import { openSources, resolveFor } from "./sources.ts";
import { drawFigure } from "./studio.ts";
import { timesOr } from "./times.ts";
import { modelWords, scheduleWords } from "./words.ts";

/** Draws the forward process. */
export const drawForward = (options: z.output<typeof forwardOptions>): Promise<number> =>
  drawFigure("forward", options, async (studio) => {
    const { target } = studio;
    const { schedule, seed = randomSeed() } = options;
    const T = target.timesteps;
    const times = timesOr(options.t, T);
    const diffusion = schedule === undefined ? target.diffusion : createDiffusion(betaSchedule(schedule, T));
    const { images, origin } = await openSources(options, studio, {
      least: 1,
      most: 8,
      sampling: () => resolveFor({ ...options, seed }, 1, studio),
    });
    const svg = forwardFigure({
      images: images.map((values) => ({ ...target, values })),
      diffusion,
      times,
      seed,
      note: `Schedule ${schedule ?? scheduleWords(target.scheduler)}, $T = ${T}$; ${origin}; seed\u00a0${seed}; ` +
        modelWords(options.model),
    });
    return { svg, facts: { seed } };
  });
