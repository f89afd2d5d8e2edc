import type { z } from "zod";
import { chainFigure } from "../../figures/chain.ts";
import { nearestVisited, visitedTimesteps, watchRow } from "../../figures/trajectory.ts";
import { compileTask } from "../../sampling/compile.ts";
import { UsageError } from "../cli/command.ts";
import { withFlagNames } from "../cli/in_flags.ts";
import type { chainOptions } from "../figure.ts";
import { modelCaption, samplerCaption } from "./captions.ts";
import { drawFigure } from "./draw_figure.ts";
import { resolveFigureSampling } from "./inputs.ts";

/** Draws both processes with their equations. */
export const drawChain = (options: z.output<typeof chainOptions>): Promise<number> =>
  drawFigure("figure chain", options, async (context) => {
    const { target } = context;
    const T = target.timesteps;
    const { t: wanted = Math.max(1, Math.round(T / 2)) } = options;
    if (wanted > T) throw new UsageError(`--t must be in [1, ${T}] for this model, received ${wanted}`);
    const sampling = resolveFigureSampling(options, 1, context);
    const task = withFlagNames(() => compileTask({ kind: "generate", sampling }, target));
    const visited = visitedTimesteps(task);
    const last = visited.length - 1;
    const [index] = nearestVisited(visited.slice(0, -1), [wanted]);
    const watched = watchRow(task, 0, [0, index, index + 1, last]);
    await context.denoise([watched.row], watched.record);
    const at = (i: number) => watched.moments.find(({ t }) => t === visited[i])!.x;
    const svg = chainFigure({
      shape: target,
      nodes: { xT: at(0), xt: at(index), previous: at(index + 1), x0: at(last) },
      note: `Here $t = ${visited[index]}$ of $T = ${T}$; ${samplerCaption(sampling)}; seed\u00a0${sampling.seed}; ` +
        modelCaption(options.model),
    });
    return { svg, facts: { seed: sampling.seed } };
  });
