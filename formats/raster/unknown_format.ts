import { ImageError } from "./raster.ts";

/** What files are that come where a picture is asked for, by how they start, as text of Latin-1. */
const STARTS: readonly (readonly [name: string, start: RegExp])[] = [
  ["GIF", /^GIF8[79]a/],
  ["BMP", /^BM/],
  ["TIFF", /^(II[*+]\0|MM\0[*+])/],
  ["PNM", /^P[1-7]\s/],
  ["AVIF", /^.{4}ftypavi[fs]/s],
  ["HEIC", /^.{4}ftyp(he[iv][cmsx]|mi[af]1|msf1)/s],
  ["JPEG XL", /^(\xff\n|\0{3}\fJXL )/],
  ["JPEG 2000", /^(\0{3}\fjP {2}|\xffO\xffQ)/],
  ["a Photoshop document", /^8BPS/],
  ["OpenEXR", /^v\/1/],
  ["QOI", /^qoif/],
  ["SVG", /^\s*(<\?xml[^]*)?(<!--[^]*-->\s*)?(<!DOCTYPE svg|<svg)/],
  ["a page of HTML", /^\s*<(!doctype html|html)/i],
  ["a PDF", /^%PDF-/],
  ["a ZIP archive", /^PK/],
];

/** Bytes that are looked at. */
const START = 256;

const list = (names: readonly string[]): string => `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** An error that says what a file is, if that is known, and what would be read. */
export const unknownFormat = (bytes: Uint8Array, read: readonly string[]): ImageError => {
  if (bytes.length === 0) return new ImageError("damaged", "the file is empty");
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, START));
  const name = STARTS.find(([, start]) => start.test(text))?.[0] ?? "of no known format";
  return new ImageError("unsupported", `the file is ${name}; ${list(read)} are read`);
};
