import type { ImageShape } from "../formats/pixels.ts";
import { drawPictureTable } from "./picture_table.ts";

/** Where between the two sources the figure's images lie: 0 and 1 are the sources, reconstructed. */
export const LAMBDAS: readonly number[] = Array.from({ length: 11 }, (_, i) => i / 10);

/** Images between two, from latents of one timestep. */
export interface InterpolationRow {
  /** As the paper counts; 0 where it is the images that were mixed. */
  readonly t: number;
  /** x_t of both sources. */
  readonly latents: readonly [Float32Array, Float32Array];
  /** One image of each λ. */
  readonly mixtures: readonly Float32Array[];
}

/** What the figure of interpolation shows. */
export interface InterpolationFigureInput {
  readonly shape: ImageShape;
  readonly sources: readonly [Float32Array, Float32Array];
  readonly rows: readonly InterpolationRow[];
  /** Ends the caption. */
  readonly note: string;
}

/** Images between two (Ho et al. 2020, section 4.4, figures 8 and 9): a row for each t at which their latents are mixed. */
export const interpolationFigure = (
  { shape: { height, width, channels }, sources: [a, b], rows, note }: InterpolationFigureInput,
): string => {
  const picture = (values: Float32Array) => ({ height, width, channels, values });
  const between = LAMBDAS.slice(1, -1);
  return drawPictureTable({
    title: "Images between two sources, from latents mixed at several timesteps",
    caption: {
      head: "Interpolation.",
      text: "Both sources are diffused to $x_t, x_t' \\sim q(x_t \\mid x_0)$; the mixture " +
        "$\\bar x_t = (1 - \\lambda)\\, x_t + \\lambda\\, x_t'$ of the latents is denoised from $t$ on. Rec. is a source " +
        `itself, there and back. The larger $t$, the less of the sources is kept. ${note}.`,
    },
    columns: [
      { head: "Source" },
      { head: "$x_t$" },
      { head: "Rec.", apart: true },
      ...between.map((lambda) => ({ head: `$\\lambda\\!=\\!${lambda}$` })),
      { head: "Rec." },
      { head: "$x_t'$", apart: true },
      { head: "Source" },
    ],
    rows: rows.map(({ t, latents: [from, to], mixtures }) => ({
      head: `$t = ${t}$`,
      pictures: [a, from, ...mixtures, to, b].map(picture),
    })),
  });
};
