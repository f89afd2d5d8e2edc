import { concatBytes } from "./concat_bytes.ts";

/** One part of a multipart body. */
export interface Part {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A multipart body with the media type that names its boundary. */
export interface Multipart {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();

const includes = (bytes: Uint8Array, wanted: Uint8Array): boolean => {
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
};

/** A line that no part holds, so that none can be taken for two; the same parts always get the same one. */
const chooseBoundary = (bodies: readonly Uint8Array[]): string => {
  for (let i = 0;; i++) {
    const boundary = `denoise-part-${i}`;
    const line = encoder.encode(`--${boundary}`);
    if (!bodies.some((body) => includes(body, line))) return boundary;
  }
};

const headerLines = (headers: Readonly<Record<string, string>>): string =>
  // Headers refuses names and values that would end their line.
  [...new Headers(headers)].map(([name, value]) => `${name}: ${value}\r\n`).join("");

/**
 * Parts as one `multipart/mixed` body (RFC 2046, section 5.1.3), each with its headers, bytes as they are.
 *
 * @throws {TypeError} if a header's name or value may not stand in one
 * @throws {RangeError} if there is no part
 */
export const encodeMultipart = (parts: readonly Part[]): Multipart => {
  if (parts.length === 0) throw new RangeError("parts must hold one part or more, received none");
  const boundary = chooseBoundary(parts.map(({ body }) => body));
  const pieces = parts.flatMap(({ headers, body }) => [
    encoder.encode(`--${boundary}\r\n${headerLines(headers)}\r\n`),
    body,
    encoder.encode("\r\n"),
  ]);
  return {
    type: `multipart/mixed; boundary=${boundary}`,
    body: concatBytes([...pieces, encoder.encode(`--${boundary}--\r\n`)]),
  };
};
