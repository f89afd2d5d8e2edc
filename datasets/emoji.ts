import { z } from "zod";
import { ImageError, type Raster } from "../formats/raster/raster.ts";
import { readPng } from "../formats/raster/read_png.ts";
import { DatasetError } from "./dataset.ts";
import type { DatasetSource, PackageFiles, SkippedFile, SourcePiece } from "./source.ts";

/** A raster laid on white: RGB bytes, rounded half to even. */
const onWhite = ({ height, width, channels, data }: Raster): Uint8Array => {
  const most = data instanceof Uint16Array ? 65_535 : 255;
  const bytes = new Uint8ClampedArray(3 * height * width);
  const [green, blue] = channels <= 2 ? [0, 0] : [1, 2];
  const hasAlpha = channels === 2 || channels === 4;
  for (let pixel = 0, from = 0; from < data.length; pixel++, from += channels) {
    const alpha = hasAlpha ? data[from + channels - 1] / most : 1;
    for (const [c, at] of [0, green, blue].entries()) {
      bytes[3 * pixel + c] = 255 * (1 - alpha + alpha * data[from + at] / most);
    }
  }
  return new Uint8Array(bytes.buffer);
};

const SIDE = 64;
const FOLDER = "img/google/64/";
const LIST = "emoji.json";

/** Images to a piece. */
const IMAGES_A_PIECE = 64;

/** Which files of the package are read: the images of 64×64 pixels and the list of them. */
export const isEmojiFile = (file: string): boolean => file === LIST || file.startsWith(FOLDER);

const pictureFields = { image: z.string(), has_img_google: z.boolean() };

const emojiList = z.array(z.object({
  ...pictureFields,
  category: z.string(),
  skin_variations: z.record(z.string(), z.object(pictureFields)).optional(),
}));

const readList = (files: PackageFiles): z.output<typeof emojiList> => {
  try {
    return emojiList.parse(JSON.parse(new TextDecoder().decode(files.get(LIST))));
  } catch (cause) {
    throw new DatasetError(`cannot read ${LIST} of the package: it must list emoji with their images`, { cause });
  }
};

const byImage = (a: { image: string }, b: { image: string }): number => a.image < b.image ? -1 : 1;

/** Every how manieth emoji is kept for testing. */
const HELD_OUT = 10;

/**
 * One part of Google's emoji from npm's emoji-datasource-google: 64×64, laid on white, each skin tone an image of its own.
 * Their categories are the classes, in the order of their names; the images come in the order of their file names.
 * Every tenth emoji by that order is in the part `test`, with all of its skin tones.
 *
 * @throws {DatasetError} if the list of them is damaged
 */
export const emojiSource = (files: PackageFiles, part: "train" | "test"): DatasetSource => {
  const all = readList(files).sort(byImage).flatMap(({ category, skin_variations = {}, ...plain }, i) =>
    [plain, ...Object.values(skin_variations)].filter(({ has_img_google }) => has_img_google)
      .map(({ image }) => ({ image, category, part: i % HELD_OUT === HELD_OUT - 1 ? "test" : "train" }))
  );
  const classNames = [...new Set(all.map(({ category }) => category))].sort();
  const emoji = all.filter((one) => one.part === part).sort(byImage);
  const read = (image: string): Uint8Array => {
    const file = files.get(`${FOLDER}${image}`);
    if (!file) throw new ImageError("damaged", "the package does not have it");
    const raster = readPng(file, { maxPixels: SIDE * SIDE });
    if (raster.height === SIDE && raster.width === SIDE) return onWhite(raster);
    throw new ImageError("damaged", `it is ${raster.width}×${raster.height} instead of ${SIDE}×${SIDE}`);
  };
  const pieces = async function* (): AsyncGenerator<SourcePiece> {
    const bytes = 3 * SIDE * SIDE;
    for (let first = 0; first < emoji.length; first += IMAGES_A_PIECE) {
      await new Promise<void>((resume) => setTimeout(resume, 0));
      const part = emoji.slice(first, first + IMAGES_A_PIECE);
      const images = new Uint8Array(part.length * bytes);
      const labels: number[] = [];
      const skipped: SkippedFile[] = [];
      for (const { image, category } of part) {
        try {
          images.set(read(image), labels.length * bytes);
          labels.push(classNames.indexOf(category));
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          skipped.push({ file: image, reason: error.message, kind: error.fault });
        }
      }
      const done = first + part.length;
      yield { images: images.subarray(0, labels.length * bytes), labels: Int32Array.from(labels), skipped, done };
    }
  };
  return { height: SIDE, width: SIDE, channels: 3, total: emoji.length, classNames, pieces };
};
