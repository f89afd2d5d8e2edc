import type { z } from "zod";
import { reverseFigure } from "../../figures/reverse.ts";
import { nearestPlaces, visitedTimesteps, watchRow } from "../../figures/trajectory.ts";
import { compileTask } from "../../serving/compile.ts";
import { inFlags } from "../in_flags.ts";
import type { reverseOptions } from "../reverse.ts";
import { resolveFor } from "./sources.ts";
import { drawFigure } from "./studio.ts";
import { timesOr } from "./times.ts";
import { modelWords, samplerWords } from "./words.ts";

/** Draws the reverse process. */
export const drawReverse = (options: z.output<typeof reverseOptions>): Promise<number> =>
  drawFigure("reverse", options, async (studio) => {
    const { n } = options;
    const { target } = studio;
    const sampling = resolveFor(options, n, studio);
    const task = inFlags(() => compileTask({ kind: "generate", sampling }, target));
    const places = nearestPlaces(visitedTimesteps(task), timesOr(options.t, target.timesteps));
    const watched = Array.from({ length: n }, (_, i) => watchRow(task, i, places));
    const byRow = new Map(watched.map(({ row, watch }) => [row, watch]));
    await studio.denoise([...byRow.keys()], (rows) => rows.forEach((row) => byRow.get(row)!()));
    const svg = reverseFigure({
      shape: target,
      images: watched.map(({ moments }) => moments),
      sampler: samplerWords(sampling),
      note: `Seed\u00a0${sampling.seed}; ${modelWords(options.model)}`,
    });
    return { svg, facts: { seed: sampling.seed } };
  });
