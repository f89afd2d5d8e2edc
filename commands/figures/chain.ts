import type { z } from "zod";
import { chainFigure } from "../../figures/chain.ts";
import { nearestPlaces, visitedTimesteps, watchRow } from "../../figures/trajectory.ts";
import { compileTask } from "../../serving/compile.ts";
import type { chainOptions } from "../chain.ts";
import { inFlags } from "../in_flags.ts";
import { UsageError } from "../usage_error.ts";
import { resolveFor } from "./sources.ts";
import { drawFigure } from "./studio.ts";
import { modelWords, samplerWords } from "./words.ts";

/** Draws both processes with their equations. */
export const drawChain = (options: z.output<typeof chainOptions>): Promise<number> =>
  drawFigure("chain", options, async (studio) => {
    const { target } = studio;
    const T = target.timesteps;
    const { t: wanted = Math.max(1, Math.round(T / 2)) } = options;
    if (wanted > T) throw new UsageError(`--t must be in [1, ${T}] for this model, received ${wanted}`);
    const sampling = resolveFor(options, 1, studio);
    const task = inFlags(() => compileTask({ kind: "generate", sampling }, target));
    const visited = visitedTimesteps(task);
    const last = visited.length - 1;
    const [place] = nearestPlaces(visited.slice(0, -1), [wanted]);
    const watched = watchRow(task, 0, [0, place, place + 1, last]);
    await studio.denoise([watched.row], watched.watch);
    const at = (i: number) => watched.moments.find(({ t }) => t === visited[i])!.x;
    const svg = chainFigure({
      shape: target,
      nodes: { xT: at(0), xt: at(place), previous: at(place + 1), x0: at(last) },
      note: `Here $t = ${visited[place]}$ of $T = ${T}$; ${samplerWords(sampling)}; seed\u00a0${sampling.seed}; ` +
        modelWords(options.model),
    });
    return { svg, facts: { seed: sampling.seed } };
  });
