import type { z } from "zod";
import { pathsFigure } from "../../figures/paths.ts";
import { randomSeed } from "../../sampling/parameters.ts";
import type { pathsOptions } from "../figure.ts";
import { writeFigure } from "./draw_figure.ts";

/** Draws how samplers move. */
export const drawPaths = ({ out, seed = randomSeed() }: z.output<typeof pathsOptions>): Promise<number> =>
  writeFigure("figure paths", out, async () => ({ svg: await pathsFigure(seed), facts: { seed } }));
