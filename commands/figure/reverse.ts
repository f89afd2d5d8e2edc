import type { z } from "zod";
import { reverseFigure } from "../../figures/reverse.ts";
import { nearestVisited, visitedTimesteps, watchRow } from "../../figures/trajectory.ts";
import { compileTask } from "../../sampling/compile.ts";
import { withFlagNames } from "../cli/in_flags.ts";
import type { reverseOptions } from "../figure.ts";
import { modelCaption, samplerCaption } from "./captions.ts";
import { drawFigure } from "./draw_figure.ts";
import { resolveFigureSampling, shownTimesteps } from "./inputs.ts";

/** Draws the reverse process. */
export const drawReverse = (options: z.output<typeof reverseOptions>): Promise<number> =>
  drawFigure("figure reverse", options, async (context) => {
    const { n } = options;
    const { target } = context;
    const sampling = resolveFigureSampling(options, n, context);
    const task = withFlagNames(() => compileTask({ kind: "generate", sampling }, target));
    const indices = nearestVisited(visitedTimesteps(task), shownTimesteps(options.t, target.timesteps));
    const watched = Array.from({ length: n }, (_, i) => watchRow(task, i, indices));
    const byRow = new Map(watched.map(({ row, record: watch }) => [row, watch]));
    await context.denoise([...byRow.keys()], (rows) => rows.forEach((row) => byRow.get(row)!()));
    const svg = reverseFigure({
      shape: target,
      images: watched.map(({ moments }) => moments),
      sampler: samplerCaption(sampling),
      note: `Seed\u00a0${sampling.seed}; ${modelCaption(options.model)}`,
    });
    return { svg, facts: { seed: sampling.seed } };
  });
