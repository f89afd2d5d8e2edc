import { coverBytes } from "../formats/cover.ts";
import { enlarge } from "../formats/enlarge.ts";
import { type ByteImages, type ImageShape, toBytes } from "../formats/pixels.ts";
import { encodePng } from "../formats/png.ts";
import { element, svgDocument } from "./svg.ts";
import { paragraph, typeset, type TypesetLine } from "./typeset.ts";

/** One image, as values in [−1, 1]; what lies outside is drawn as the nearest of them. */
export interface FigurePicture extends ImageShape {
  /** H·W·C values, NHWC. */
  readonly values: Float32Array;
}

/** Extent of a picture on the page, in SVG's units. */
export interface PictureExtent {
  readonly width: number;
  readonly height: number;
}

/** Pixels that are embedded for one unit of the page: as many as `renderSvg` draws, so that none is drawn uneven. */
const DENSITY = 2;

/**
 * The extent at which images of a shape are drawn where each may be `most` wide: the largest at which their pixels come
 * out even, or `most` itself for larger ones.
 */
export const extentFor = ({ width, height }: ImageShape, most: number): PictureExtent => {
  const scale = most >= width ? Math.floor(DENSITY * most / width) / DENSITY : Math.floor(most) / width;
  return { width: width * scale, height: Math.round(height * scale) };
};

const shrink = ({ data, channels }: ByteImages, from: PictureExtent, to: PictureExtent): ByteImages => {
  const shape = { ...to, channels };
  const raster = { ...from, data, channels: channels as 1 | 3, orientation: 1 };
  return { ...shape, data: new Uint8Array(coverBytes(raster, shape).buffer) };
};

const fit = (image: ByteImages, extent: PictureExtent): ByteImages => {
  const factor = DENSITY * extent.width / image.width;
  // Pixel by pixel: SVG has no way to ask for it that all viewers know.
  if (Number.isInteger(factor)) return enlarge(image, { scale: factor, resampler: "nearest" });
  if (factor > 1) return image;
  return shrink(image, image, { width: DENSITY * extent.width, height: DENSITY * extent.height });
};

/** The picture with its top left corner at (x, y), embedded as PNG. */
export const drawPicture = (
  { values, ...shape }: FigurePicture,
  x: number,
  y: number,
  extent: PictureExtent,
): string => {
  const png = encodePng(fit({ ...shape, data: toBytes(values) }, extent), { level: 9 });
  return element("image", { x, y, ...extent, href: `data:image/png;base64,${png.toBase64()}` });
};

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
    readonly pictures: readonly (FigurePicture | null)[];
  }[];
}

/** Width that a figure has at most, where its pictures are not larger by themselves: that of a page on a screen. */
const WIDTH = 960;

/** Height that the rows share, where that leaves them their own size: a figure should fit a screen. */
const HEIGHT = 720;
const MARGIN = 12, GAP = 4, APART = 16, HEAD_GAP = 10;
const TEXT = 15, CAPTION = 16, LEAST_WIDTH = 560;

/** Where each of several stretches begins, with a wider gap before those that are apart, and where the last one ends. */
const layOut = (stretches: readonly { apart?: boolean }[], length: number): { starts: number[]; end: number } => {
  let end = 0;
  const starts = stretches.map(({ apart }, i) => {
    const start = i === 0 ? 0 : end + (apart ? APART : GAP);
    end = start + length;
    return start;
  });
  return { starts, end };
};

/** The widest of the heads may not reach into its neighbour's; where it would, the size shrinks. */
const setHeads = (heads: readonly (string | undefined)[], most: number): (TypesetLine | null)[] => {
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
  const gaps = layOut(columns, 0).end;
  const widest = (WIDTH - 2 * MARGIN - left - gaps) / columns.length;
  const highest = (HEIGHT - layOut(rows, 0).end) / rows.length * some.width / some.height;
  const cell: PictureExtent = extentFor(some, Math.max(16, Math.min(widest, highest)));

  const across = layOut(columns, cell.width);
  const down = layOut(rows, cell.height);
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
