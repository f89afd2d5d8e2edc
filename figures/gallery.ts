import type { ImageShape } from "../formats/pixels.ts";
import { drawPictureTable } from "./picture_table.ts";
import { escapeTex } from "./typeset.ts";

/** What the figure of a model's images shows. */
export interface GalleryFigureInput {
  readonly shape: ImageShape;
  /** Images in a row. */
  readonly columns: number;
  /** Row by row. */
  readonly images: readonly Float32Array[];
  /** The name of each row's class; null where rows stand for nothing. */
  readonly classes: readonly string[] | null;
  /** Whether the images are of no class. */
  readonly isFree: boolean;
  /** Ends the caption; begins with the sampler, in small letters or a name. */
  readonly note: string;
}

const HEADS = {
  classes: { head: "Samples by class.", text: "Every row is of one class; no image was picked." },
  free: { head: "Unconditional samples.", text: "No image was picked." },
  mixed: { head: "Samples.", text: "The classes take turns; no image was picked." },
} as const;

/** A model's images as a grid, or a row a class. */
export const galleryFigure = (
  { shape: { height, width, channels }, columns, images, classes, isFree, note }: GalleryFigureInput,
): string => {
  const { head, text } = HEADS[classes ? "classes" : isFree ? "free" : "mixed"];
  const pictures = images.map((values) => ({ height, width, channels, values }));
  return drawPictureTable({
    title: classes ? "Images drawn by the model, a row a class" : "Images drawn by the model",
    caption: { head, text: `${text} By ${note}.` },
    columns: Array.from({ length: columns }, () => ({})),
    rows: Array.from({ length: images.length / columns }, (_, i) => ({
      head: classes ? escapeTex(classes[i]) : undefined,
      pictures: pictures.slice(i * columns, (i + 1) * columns),
    })),
  });
};
