import { decodeImage, decodeMask, type DecodeOptions } from "../../formats/decode_image.ts";
import { ImageError } from "../../formats/raster/raster.ts";

/** The bytes of a file, or those that base64 or a `data:` URL of it stands for. */
const bytesOf = (received: Uint8Array<ArrayBuffer> | string): Uint8Array<ArrayBuffer> => {
  if (typeof received !== "string") return received;
  try {
    return Uint8Array.fromBase64(received.replace(/^data:[^,]*;base64,/i, ""));
  } catch (cause) {
    throw new ImageError("damaged", "the text is neither base64 nor a data: URL of it", { cause });
  }
};

/** `decodeImage` of what a request holds. */
export const decodeReceived = (
  received: Uint8Array<ArrayBuffer> | string,
  options: DecodeOptions,
): Promise<Float32Array<ArrayBuffer>> => decodeImage(bytesOf(received), options);

/** `decodeMask` of what a request holds. */
export const decodeReceivedMask = (
  received: Uint8Array<ArrayBuffer> | string,
  options: Omit<DecodeOptions, "channels">,
): Promise<Float32Array<ArrayBuffer>> => decodeMask(bytesOf(received), options);
