import { decodeNpy } from "../../formats/npy.ts";
import { decodeNpz } from "../../formats/npz.ts";
import { decodePng } from "../formats/decode_png.ts";
import { allEvents } from "./read_events.ts";

/** What an answer with images turned out to hold. */
export interface Opened {
  /** Pictures in it: 1 for a PNG, the frames of a film. */
  readonly pictures: number;
  /** Height and width of each. */
  readonly extent: readonly number[];
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The chunks of a PNG by their type. */
const chunksOf = (png: Uint8Array<ArrayBuffer>): Map<string, Uint8Array[]> => {
  const chunks = new Map<string, Uint8Array[]>();
  for (let at = 8; at < png.length;) {
    const length = view(png).getUint32(at);
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    chunks.set(type, [...chunks.get(type) ?? [], png.subarray(at + 8, at + 8 + length)]);
    at += 12 + length;
  }
  return chunks;
};

const openApng = (bytes: Uint8Array<ArrayBuffer>): Opened => {
  const { height, width } = decodePng(bytes);
  const chunks = chunksOf(bytes);
  const frames = view(chunks.get("acTL")![0]).getUint32(0);
  if (frames !== chunks.get("fcTL")!.length) throw new Error("acTL and fcTL disagree");
  return { pictures: frames, extent: [height, width] };
};

/** Walks the blocks of a GIF. */
const openGif = (bytes: Uint8Array<ArrayBuffer>): Opened => {
  if (new TextDecoder().decode(bytes.subarray(0, 6)) !== "GIF89a") throw new Error("no GIF");
  const [width, height] = [view(bytes).getUint16(6, true), view(bytes).getUint16(8, true)];
  const tableSize = (flags: number) => flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
  let at = 13 + tableSize(bytes[10]);
  let pictures = 0;
  const skipBlocks = () => {
    while (bytes[at] !== 0) at += bytes[at] + 1;
    at++;
  };
  while (bytes[at] !== 0x3b) {
    if (bytes[at] === 0x21) {
      at += 2;
      skipBlocks();
    } else if (bytes[at] === 0x2c) {
      pictures++;
      at += 10 + tableSize(bytes[at + 9]) + 1;
      skipBlocks();
    } else throw new Error(`byte ${bytes[at]} at ${at} starts no block`);
  }
  if (at !== bytes.length - 1) throw new Error("bytes follow the end");
  return { pictures, extent: [height, width] };
};

/** The parts of a multipart body, headers in lower case. */
export const openMultipart = (
  bytes: Uint8Array<ArrayBuffer>,
  type: string,
): { headers: Record<string, string>; body: Uint8Array<ArrayBuffer> }[] => {
  const boundary = /boundary="?([^";]+)"?/.exec(type)![1];
  // No TextDecoder takes every byte for the letter of its number.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const pieces = text.split(`--${boundary}`);
  if (!pieces.at(-1)!.startsWith("--")) throw new Error("the last boundary is missing");
  return pieces.slice(1, -1).map((piece) => {
    const end = piece.indexOf("\r\n\r\n");
    const headers = piece.slice(2, end).split("\r\n").map((line) => {
      const [name, ...value] = line.split(": ");
      return [name.toLowerCase(), value.join(": ")] as const;
    });
    const body = Uint8Array.from(piece.slice(end + 4, -2), (letter) => letter.charCodeAt(0));
    return { headers: Object.fromEntries(headers), body };
  });
};

const openUrl = (url: string) => decodePng(Uint8Array.fromBase64(url.replace("data:image/png;base64,", "")));

const extentOf = ({ height, width }: { height: number; width: number }) => [height, width];

/** Opens an answer by its type, to the last byte. */
export const openAnswer = async (response: Response): Promise<Opened> => {
  const type = response.headers.get("content-type")!;
  if (type === "text/event-stream") {
    const { type, data } = (await allEvents(response)).at(-1)!;
    if (type !== "done") throw new Error(`it ended with ${type}: ${JSON.stringify(data)}`);
    return { pictures: data.images.length, extent: extentOf(openUrl(data.images[0].image)) };
  }
  const bytes = await response.bytes();
  switch (type.split(";")[0]) {
    case "image/png":
      return { pictures: 1, extent: extentOf(decodePng(bytes)) };
    case "image/apng":
      return openApng(bytes);
    case "image/gif":
      return openGif(bytes);
    case "application/json": {
      const { images } = JSON.parse(new TextDecoder().decode(bytes));
      return { pictures: images.length, extent: extentOf(openUrl(images[0].image)) };
    }
    case "application/x-npy": {
      const { shape: [n, , height, width] } = decodeNpy(bytes);
      return { pictures: n, extent: [height, width] };
    }
    case "application/x-npz": {
      const { shape: [n, height, width] } = decodeNpz(bytes).arr_0;
      return { pictures: n, extent: [height, width] };
    }
    case "multipart/mixed": {
      const parts = openMultipart(bytes, type);
      return { pictures: parts.length, extent: extentOf(decodePng(parts[0].body)) };
    }
  }
  throw new Error(`${response.status} ${type}: ${new TextDecoder().decode(bytes)}`);
};
