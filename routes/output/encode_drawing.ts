import { encodeMultipart } from "../../formats/multipart.ts";
import type { Codec } from "../codec/client.ts";
import { drawingDocument } from "./document.ts";
import type { Drawing } from "./drawing.ts";
import { type DoneFormat, FORMATS } from "./formats.ts";
import { pngUrl } from "./png_url.ts";

/** Bytes or text of an answer, with the media type. */
export interface Encoded {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly type: string;
}

/** A drawing as JSON. */
export const encodeDocument = async (drawing: Drawing, encoder: Codec) =>
  drawingDocument(drawing, (await encoder.run("encodeEach", drawing.values, drawing.shape)).map(pngUrl));

/** Encodes a drawing in one of the formats; a film needs frames. */
export const encodeDrawing = async (drawing: Drawing, format: DoneFormat, encoder: Codec): Promise<Encoded> => {
  const { values, shape, columns, labels, items, frames } = drawing;
  const type = FORMATS[format];
  switch (format) {
    case "png":
      return { type, body: await encoder.run("encodePicture", values, shape, columns) };
    case "apng":
    case "gif":
      return { type, body: await encoder.run("encodeFilm", format, frames, shape, columns) };
    case "json":
      return { type, body: JSON.stringify(await encodeDocument(drawing, encoder)) };
    case "npy":
      return { type, body: await encoder.run("encodeArray", values, shape) };
    case "npz":
      return { type, body: await encoder.run("encodeArchive", values, shape, labels) };
    case "multipart": {
      const images = await encoder.run("encodeEach", values, shape);
      const parts = images.map((body, i) => ({
        headers: {
          "content-type": "image/png",
          "content-disposition": `inline; filename="${i}.png"`,
          ...Object.fromEntries(
            Object.entries(items[i]).map(([name, value]) => [`denoise-${name}`, encodeURIComponent(value)]),
          ),
        },
        body,
      }));
      return encodeMultipart(parts);
    }
  }
};
