import { ImageError } from "./raster.ts";

/** Part of a JPEG, from its marker up to the next one. */
export interface JpegSegment {
  /** The second byte of the marker; the first is 0xff. */
  readonly marker: number;
  /** What follows the marker and the length. */
  readonly data: Uint8Array;
  /** The entropy-coded data that follow a scan's header; empty elsewhere. */
  readonly scan: Uint8Array;
  /** Where it ends in the file. */
  readonly end: number;
}

/** Whether a marker starts a frame: SOF0 … SOF15, without those of tables that lie between them. */
export const isFrameMarker = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/**
 * Where the next marker stands, from `at` on, or -1. What stands alone is none: stuffed bytes, fill bytes, restarts and
 * TEM. So libjpeg goes on after a segment, stray bytes or not, as it does after a scan.
 */
const nextMarker = (bytes: Uint8Array, at: number): number => {
  for (let i = bytes.indexOf(0xff, at); i >= 0 && i + 1 < bytes.length; i = bytes.indexOf(0xff, i + 1)) {
    const next = bytes[i + 1];
    if (next > 1 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return i;
  }
  return -1;
};

/**
 * The segments of a JPEG (ITU T.81, annex B) after its start, the end of the image the last; what follows is ignored.
 * Their data are views of `bytes`.
 *
 * @throws {ImageError} at the place where the file ends early or has a marker that there is not
 */
export const jpegSegments = function* (bytes: Uint8Array): Generator<JpegSegment, void> {
  const endsEarly = () => new ImageError("damaged", `the JPEG ends early, after ${bytes.length} bytes`);
  const none = bytes.subarray(0, 0);
  for (let at = nextMarker(bytes, 2);;) {
    if (at < 0) throw endsEarly();
    const marker = bytes[at + 1];
    if (marker < 0xc0 || marker === 0xd8) throw new ImageError("damaged", `the JPEG has no segment at byte ${at}`);
    if (marker === 0xd9) {
      yield { marker, data: none, scan: none, end: at + 2 };
      return;
    }
    const length = (bytes[at + 2] ?? 0) << 8 | (bytes[at + 3] ?? 0);
    const start = at + 2 + length;
    if (start > bytes.length) throw endsEarly();
    if (length < 2) throw new ImageError("damaged", `the JPEG has no segment at byte ${at}`);
    const end = nextMarker(bytes, start);
    if (end < 0) throw endsEarly();
    yield {
      marker,
      data: bytes.subarray(at + 4, start),
      scan: marker === 0xda ? bytes.subarray(start, end) : none,
      end,
    };
    at = end;
  }
};
