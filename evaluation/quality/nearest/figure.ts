import { drawPictureTable } from "../../../figures/picture_table.ts";
import { literally } from "../../../figures/typeset.ts";
import { type ByteImages, fromBytes } from "../../../formats/pixels.ts";

/** A sample and the learned image that is nearest to it. */
export interface Pair {
  readonly sample: ByteImages;
  readonly learned: ByteImages;
}

const pictureOf = ({ data, height, width, channels }: ByteImages) => ({
  height,
  width,
  channels,
  values: fromBytes(data),
});

const rowsOf = (head: string, pairs: readonly Pair[], apart: boolean) => [
  { head, apart, pictures: pairs.map(({ sample }) => pictureOf(sample)) },
  { head: "nearest learned", pictures: pairs.map(({ learned }) => pictureOf(learned)) },
];

/** The samples that come nearest to what was learned, the nearest first, and the first samples as they came. */
export const nearestFigure = (
  { closest, first, samples, learned }: {
    closest: readonly Pair[];
    first: readonly Pair[];
    /** What is compared, for the caption. */
    samples: string;
    learned: string;
  },
): string =>
  drawPictureTable({
    title: "Samples, each over the learned image that is nearest to it",
    caption: {
      head: "Nearest neighbours.",
      text: literally(
        `Under each sample stands the image nearest to it, by its pixels, of ${learned}. Above the samples that come ` +
          `nearest, below those that came first. Samples of ${samples}.`,
      ),
    },
    columns: closest.map(() => ({})),
    rows: [...rowsOf("closest samples", closest, false), ...rowsOf("first samples", first, true)],
  });
