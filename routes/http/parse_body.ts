import { getMultipartBoundary, parseMultipart } from "@remix-run/multipart-parser";
import { LIMITS } from "./limits.ts";

/**
 * A text that is long, as only an image's base64 is: its UTF-8, which moves from thread to thread instead of being copied,
 * and is looked into where it is decoded.
 */
export interface LongText {
  readonly utf8: Uint8Array<ArrayBuffer>;
}

/** Whether a value is one. No JSON makes one of itself. */
export const isLongText = (value: unknown): value is LongText =>
  value !== null && typeof value === "object" && "utf8" in value && value.utf8 instanceof Uint8Array;

/** A body's parameters: a JSON value, or the fields of a form in their order, files as bytes. */
export type ParsedBody =
  | { readonly type: "json"; readonly value: unknown }
  | {
    readonly type: "form";
    readonly fields: readonly (readonly [name: string, value: string | LongText | Uint8Array<ArrayBuffer>])[];
  };

/** The media types that are parsed. */
export const BODY_TYPES = { json: "application/json", form: "multipart/form-data" } as const;

/** Parameters that a query or a form may have: more than there are anywhere. */
export const MOST_FIELDS = 100;

/** No request is nested deeper than this; what is could not even be said back. */
const DEEPEST = 16;

/** The shortest text that is long, in bytes as they came. */
const LONG = 4096;

const textEncoder = new TextEncoder();

const [QUOTE, BACKSLASH, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = textEncoder.encode('"\\:[]{}');

/** The place of the quote that ends a text of JSON, which begins at `from`. */
const endOfText = (bytes: Uint8Array, from: number): number => {
  for (let end = bytes.indexOf(QUOTE, from); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let first = end;
    while (first > from && bytes[first - 1] === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return bytes.length;
};

/** Whether the next byte that is no space is a colon: what stands before it is a name. */
const isName = (bytes: Uint8Array, from: number): boolean => {
  let at = from;
  while (bytes[at] <= 0x20) at++;
  return bytes[at] === COLON;
};

/**
 * Looks over JSON before it is parsed: what is not long text may have as many bytes as a body without images, lest it
 * become many times as large in memory.
 *
 * @throws {SyntaxError} if there is more of it, or it is nested too deeply
 */
const checkJsonShape = (bytes: Uint8Array): void => {
  let rest = bytes.length;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const end = endOfText(bytes, at + 1);
      if (end - at - 1 > LONG && !isName(bytes, end + 1)) rest -= end - at;
      at = end;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      if (++depth > DEEPEST) throw new SyntaxError(`the body is nested more than ${DEEPEST} deep`);
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth--;
    }
  }
  if (rest > LIMITS.bodyBytes) {
    throw new SyntaxError(`the body holds ${rest} bytes beside its images, and may hold ${LIMITS.bodyBytes}`);
  }
};

/** JSON whose long texts are set apart. */
const parseJson = (bytes: Uint8Array): unknown => {
  checkJsonShape(bytes);
  const setApart = (_: string, value: unknown) =>
    typeof value === "string" && value.length > LONG ? { utf8: textEncoder.encode(value) } : value;
  try {
    return JSON.parse(new TextDecoder().decode(bytes), setApart);
  } catch (cause) {
    throw new SyntaxError(`the body is no JSON: ${(cause as Error).message}`, { cause });
  }
};

const parseForm = (bytes: Uint8Array, contentType: string): (ParsedBody & { type: "form" })["fields"] => {
  const boundary = getMultipartBoundary(contentType);
  if (!boundary) throw new SyntaxError("its content-type names no boundary");
  const limits = { maxParts: MOST_FIELDS, maxFileSize: bytes.length, maxTotalSize: bytes.length };
  return Array.from(parseMultipart(bytes, { boundary, ...limits }), (part) => {
    const { name, isFile } = part;
    if (name === undefined) throw new SyntaxError("a part of it has no name");
    const value = part.bytes as Uint8Array<ArrayBuffer>;
    if (isFile) return [name, value] as const;
    return [name, value.length > LONG ? { utf8: value } : new TextDecoder().decode(value)] as const;
  });
};

/**
 * Parses a request's body. What comes out is small but for bytes, which are those of files and of long texts.
 *
 * @param type its content-type, of one of `BODY_TYPES`
 * @throws {SyntaxError} if it is not what its type says, nested too deeply, or of more values or fields than anything
 * asks for
 */
export const parseBody = (type: keyof typeof BODY_TYPES, bytes: Uint8Array, contentType: string): ParsedBody => {
  if (type === "json") return { type, value: parseJson(bytes) };
  try {
    return { type, fields: parseForm(bytes, contentType) };
  } catch (cause) {
    throw new SyntaxError(`the body is no multipart/form-data: ${(cause as Error).message}`, { cause });
  }
};
