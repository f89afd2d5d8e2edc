import type { z } from "zod";
import { galleryFigure } from "../../figures/gallery.ts";
import { compileTask } from "../../sampling/compile.ts";
import { startRow } from "../../sampling/denoise.ts";
import { randomSeed, resolveSampling } from "../../sampling/parameters.ts";
import { UsageError } from "../cli/command.ts";
import { withFlagNames } from "../cli/in_flags.ts";
import type { galleryOptions } from "../figure.ts";
import { modelCaption, samplerCaption } from "./captions.ts";
import { drawFigure, type FigureContext } from "./draw_figure.ts";

type Options = z.output<typeof galleryOptions>;

const MOST_CLASSES = 32;

/** The class of each row by index; null where none is named. */
const classesOf = ({ labels }: Options, { limits }: FigureContext): number[] | null => {
  const { labels: names } = limits;
  if (labels.length === 0) return null;
  if (names === null) throw new UsageError(`--labels must be left out: this model has no classes`);
  if (labels.length > 1 || labels[0] !== "all" || names.includes("all")) {
    return labels.map((label) => {
      const index = names.includes(label) ? names.indexOf(label) : /^\d+$/.test(label) ? Number(label) : names.length;
      if (index < names.length) return index;
      const allowed = names.length <= 20
        ? names.join(", ")
        : `names of classes, or indices in [0, ${names.length - 1}]`;
      throw new UsageError(`--labels must be of ${allowed}, or all, received ${JSON.stringify(label)}`);
    });
  }
  if (names.length <= MOST_CLASSES) return names.map((_, i) => i);
  throw new UsageError(`--labels must name ${MOST_CLASSES} classes at most, received all ${names.length}`);
};

/** Draws a model's images. */
export const drawGallery = (options: Options): Promise<number> =>
  drawFigure("figure gallery", options, async (context) => {
    const { columns, seed = randomSeed() } = options;
    const { target, limits } = context;
    const { labels: names, nullLabel } = limits;
    const classes = classesOf(options, context);
    const rows = classes?.length ?? options.rows;
    const isFree = classes === null && nullLabel !== null;
    const { guidance = isFree ? 1 : undefined } = options;
    if (isFree && guidance !== 1) {
      throw new UsageError(`--guidance must be 1 (off) without --labels, received ${guidance}`);
    }
    const parameters = { ...options, guidance, seed, label: undefined, n: rows * columns };
    const resolved = withFlagNames(() => resolveSampling(parameters, limits, { usualSteps: target.timesteps }));
    const labels = resolved.labels?.map((label, i) => isFree ? nullLabel : classes?.[Math.floor(i / columns)] ?? label);
    const sampling = { ...resolved, labels: labels ?? null };
    const task = withFlagNames(() => compileTask({ kind: "generate", sampling }, target));
    const drawn = Array.from({ length: sampling.n }, (_, i) => startRow(task, i));
    await context.denoise(drawn);
    const svg = galleryFigure({
      shape: target,
      columns,
      images: drawn.map(({ x }) => x),
      classes: classes?.map((label) => names![label]) ?? null,
      isFree: isFree || names === null,
      note: `${samplerCaption(sampling)}; seed\u00a0${seed}; ${modelCaption(options.model)}`,
    });
    return { svg, facts: { seed } };
  });
