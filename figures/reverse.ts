import type { ImageShape } from "../formats/pixels.ts";
import { drawPictureTable } from "./picture_table.ts";
import type { Moment } from "./trajectory.ts";

/** What the figure of the reverse process shows. */
export interface ReverseFigureInput {
  readonly shape: ImageShape;
  /** Of each image its moments, all at the same timesteps. */
  readonly images: readonly (readonly Moment[])[];
  /** The sampler and its steps, in words; begins with a small letter. */
  readonly sampler: string;
  /** Ends the caption. */
  readonly note: string;
}

/** The reverse process (Ho et al. 2020, eq. 1, Algorithm 2): x_t on its way, and under it the x_0 that is predicted of it. */
export const reverseFigure = (
  { shape: { height, width, channels }, images, sampler, note }: ReverseFigureInput,
): string => {
  const picture = (values: Float32Array | null) => values && { height, width, channels, values };
  return drawPictureTable({
    title: "Noise that becomes images, from left to right, and what the network predicts on the way",
    caption: {
      head: "The reverse process.",
      text:
        `From noise $x_T$ to an image $x_0$ by ${sampler}. Under each $x_t$ stands $\\hat x_0$, the image that the ` +
        `network predicts of it: coarse features first, details last. ${note}.`,
    },
    corner: "$t$",
    columns: images[0].map(({ t }) => ({ head: String(t) })),
    rows: images.flatMap((moments) => [
      { head: "$x_t$", apart: true, pictures: moments.map(({ x }) => picture(x)) },
      { head: "$\\hat x_0$", pictures: moments.map(({ x0 }) => picture(x0)) },
    ]),
  });
};
