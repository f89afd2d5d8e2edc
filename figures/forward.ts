import type { Diffusion } from "../core/diffusion.ts";
import { qSample } from "../core/forward.ts";
import { fillNormal, INITIAL_NOISE_STEP } from "../core/noise.ts";
import { drawPictureTable, type FigurePicture } from "./picture_table.ts";

/** What the figure of the forward process shows. */
export interface ForwardFigureInput {
  /** Images of one extent, a row each. */
  readonly images: readonly FigurePicture[];
  readonly diffusion: Diffusion;
  /** Timesteps as the paper counts them: 0 is the image itself, T the noisiest. */
  readonly times: readonly number[];
  readonly seed: number;
  /** Ends the caption. */
  readonly note: string;
}

/**
 * The forward process q(x_t | x_0) (Ho et al. 2020, eq. 4) of images as a strip each, one noise for all t.
 *
 * @throws {RangeError} if a timestep lies outside [0, T]
 */
export const forwardFigure = ({ images, diffusion, times, seed, note }: ForwardFigureInput): string =>
  drawPictureTable({
    title: "Images that dissolve into noise, from left to right",
    caption: {
      head: "The forward process.",
      text:
        "$q(x_t \\mid x_0) = \\mathcal{N}(x_t;\\, \\sqrt{\\bar\\alpha_t}\\,x_0,\\, (1 - \\bar\\alpha_t)\\mathbf{I})$ " +
        "as $t$ grows: $x_t = \\sqrt{\\bar\\alpha_t}\\,x_0 + \\sqrt{1 - \\bar\\alpha_t}\\,\\epsilon$, with the same " +
        `$\\epsilon$ at all $t$ of a row. ${note}.`,
    },
    corner: "$t$",
    columns: times.map((t) => ({ head: String(t) })),
    rows: images.map(({ values, ...shape }, sample) => {
      const noise = fillNormal(new Float32Array(values.length), { seed, sample, step: INITIAL_NOISE_STEP });
      return {
        head: "$x_t$",
        pictures: times.map((t) => ({ ...shape, values: t === 0 ? values : qSample(diffusion, values, t - 1, noise) })),
      };
    }),
  });
