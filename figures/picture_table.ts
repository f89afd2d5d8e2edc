import { paragraph } from "./paragraph.ts";
import { drawPicture, type Extent, extentFor, type Picture } from "./picture.ts";
import { svgDocument } from "./svg.ts";
import { type Line, typeset } from "./typeset.ts";

/** Pictures in rows and columns, with words at their edges. All text is as `typeset` takes it. */
export interface PictureTable {
  /** What the figure shows, in a few plain words. */
  readonly title: string;
  /** The caption: a beginning in bold, and what follows. */
  readonly caption: { readonly head: string; readonly text: string };
  /** What stands over the words at the left. */
  readonly corner?: string;
  /** What stands over each column; one that is `apart` has a gap before it. */
  readonly columns: readonly { readonly head?: string; readonly apart?: boolean }[];
  /** What stands left of each row, and its pictures, one a column or none; one that is `apart` has a gap before it. */
  readonly rows: readonly {
    readonly head?: string;
    readonly apart?: boolean;
    readonly pictures: readonly (Picture | null)[];
  }[];
}

/** Width that a figure has at most, where its pictures are not larger by themselves: that of a page on a screen. */
const WIDTH = 960;

/** Height that the rows share, where that leaves them their own size: a figure should fit a screen. */
const HEIGHT = 720;
const MARGIN = 12, GAP = 4, APART = 16, HEAD_GAP = 10;
const TEXT = 15, CAPTION = 16, LEAST_WIDTH = 560;

/** Where each of several stretches begins, with a wider gap before those that are apart, and where the last one ends. */
const placesOf = (stretches: readonly { apart?: boolean }[], length: number): { starts: number[]; end: number } => {
  let end = 0;
  const starts = stretches.map(({ apart }, i) => {
    const start = i === 0 ? 0 : end + (apart ? APART : GAP);
    end = start + length;
    return start;
  });
  return { starts, end };
};

/** The widest of the heads may not reach into its neighbour's; where it would, the size shrinks. */
const setHeads = (heads: readonly (string | undefined)[], most: number): (Line | null)[] => {
  const set = (size: number) => heads.map((head) => head === undefined ? null : typeset(head, { size }));
  const widest = Math.max(0, ...set(TEXT).map((line) => line?.width ?? 0));
  return set(widest > most ? Math.max(8, TEXT * most / widest) : TEXT);
};

/**
 * Draws the table as SVG: all pictures of one size, a whole multiple of their own unless they are large.
 *
 * @throws {RangeError} if there is no picture
 */
export const drawPictureTable = ({ title, caption, corner, columns, rows }: PictureTable): string => {
  const some = rows.flatMap(({ pictures }) => pictures).find((picture) => picture !== null);
  if (!some) throw new RangeError("a table of pictures must have one at least, received none");
  const sides = rows.map(({ head }) => head === undefined ? null : typeset(head, { size: TEXT }));
  const cornerLine = corner === undefined ? null : typeset(corner, { size: TEXT });
  const left = Math.max(0, ...[cornerLine, ...sides].map((line) => line === null ? 0 : line.width + HEAD_GAP));
  const gaps = placesOf(columns, 0).end;
  const widest = (WIDTH - 2 * MARGIN - left - gaps) / columns.length;
  const highest = (HEIGHT - placesOf(rows, 0).end) / rows.length * some.width / some.height;
  const cell: Extent = extentFor(some, Math.max(16, Math.min(widest, highest)));

  const across = placesOf(columns, cell.width);
  const down = placesOf(rows, cell.height);
  const tops = setHeads(columns.map(({ head }) => head), cell.width + GAP - 2);
  const hasTops = cornerLine !== null || tops.some((line) => line !== null);
  const top = hasTops ? TEXT + HEAD_GAP : 0;
  const content = left + across.end;
  const width = Math.max(content, LEAST_WIDTH);
  const x0 = MARGIN + (width - content) / 2 + left, y0 = MARGIN + top;
  const words = paragraph(caption.text, { head: caption.head, width, size: CAPTION });
  const captionTop = y0 + down.end + 16;

  const body = [
    ...(cornerLine ? [cornerLine.at(x0 - HEAD_GAP, MARGIN + TEXT - 2, { anchor: "end" })] : []),
    ...tops.map((line, i) =>
      line?.at(x0 + across.starts[i] + cell.width / 2, MARGIN + TEXT - 2, { anchor: "middle" }) ?? ""
    ),
    ...sides.map((line, i) =>
      line?.at(x0 - HEAD_GAP, y0 + down.starts[i] + cell.height / 2 + TEXT / 3, { anchor: "end" }) ?? ""
    ),
    ...rows.flatMap(({ pictures }, i) =>
      pictures.map((picture, j) =>
        picture === null ? "" : drawPicture(picture, x0 + across.starts[j], y0 + down.starts[i], cell)
      )
    ),
    words.at(MARGIN, captionTop),
  ].filter((part) => part !== "");
  return svgDocument({ width: width + 2 * MARGIN, height: captionTop + words.height + MARGIN, title }, ...body);
};
