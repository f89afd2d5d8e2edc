import { encodePng } from "../../formats/png.ts";

/** An image of the tiny model's extent, or larger: a gradient from red to blue. */
export const gradient = (size = 8): Uint8Array<ArrayBuffer> => {
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      data.set([255 - 255 * x / size, 40 + 20 * y / size, 255 * x / size], 3 * (y * size + x));
    }
  }
  return encodePng({ data, height: size, width: size, channels: 3 });
};

/** A mask whose right half is white. */
export const rightHalf = (size = 8): Uint8Array<ArrayBuffer> =>
  encodePng({
    data: Uint8Array.from({ length: size * size }, (_, i) => i % size >= size / 2 ? 255 : 0),
    height: size,
    width: size,
    channels: 1,
  });

/** A form of files and text. */
export const formOf = (fields: Readonly<Record<string, Uint8Array<ArrayBuffer> | string | number>>): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Uint8Array) form.append(name, new Blob([value]), `${name}.png`);
    else form.append(name, String(value));
  }
  return form;
};

/** Bytes as a `data:` URL. */
export const urlOf = (png: Uint8Array<ArrayBuffer>): string => `data:image/png;base64,${png.toBase64()}`;
