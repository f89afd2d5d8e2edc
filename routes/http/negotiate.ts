import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { HTTPException } from "hono/http-exception";

/** The formats that images are answered in, each with its media type, the default first. */
export const FORMATS = {
  png: "image/png",
  apng: "image/apng",
  gif: "image/gif",
  json: "application/json",
  npy: "application/x-npy",
  npz: "application/x-npz",
  multipart: "multipart/mixed",
  "event-stream": "text/event-stream",
} as const;

/** The name of a format. */
export type Format = keyof typeof FORMATS;

/** All formats by name. */
export const FORMAT_NAMES = Object.keys(FORMATS) as [Format, ...Format[]];

/** Formats of what is done; the event stream tells of it while it is done. */
export type DoneFormat = Exclude<Format, "event-stream">;

/** Whether a format is a film of the denoising. */
export const isFilm = (format: Format): format is "apng" | "gif" => format === "apng" || format === "gif";

interface MediaRange {
  readonly type: string;
  readonly q: number;
}

/** How much a range tells of a media type: 3 names it, 2 names its kind, 1 is for all, 0 is for others. */
const closeness = (range: string, type: string): number => {
  const [requested, offered] = [range.toLowerCase(), type.toLowerCase()];
  if (requested === offered) return 3;
  if (requested === `${offered.split("/")[0]}/*`) return 2;
  return requested === "*/*" || requested === "*" ? 1 : 0;
};

/** A media type's weight is that of the range closest to it (RFC 9110, section 12.5.1). */
const weightOf = (type: string, ranges: readonly MediaRange[]): number =>
  ranges.reduce(
    (best, { type: range, q }) => {
      const own = closeness(range, type);
      return own > best.closeness ? { closeness: own, q } : best;
    },
    { closeness: 0, q: 0 },
  ).q;

/**
 * Picks the format of an answer: the one that was asked for by name, else the one that the Accept header likes best. Among
 * equals the first offered wins: a browser that takes all images is given the first.
 *
 * @throws {HTTPException} 406 with the list of formats, if the header takes none of them
 */
export const negotiate = <F extends Format>(c: Context, offered: readonly F[], requested?: F): F => {
  if (requested !== undefined) return requested;
  const types: string[] = offered.map((format) => FORMATS[format]);
  const chosen = accepts(c, {
    header: "Accept",
    supports: types,
    default: types[0],
    match: (ranges) => {
      if (ranges.length === 0) return types[0];
      const weights: number[] = types.map((type) => weightOf(type, ranges));
      // Browsers name image/apng, and no film is meant by it where a still picture is welcome too.
      if (weightOf(FORMATS.png, ranges) > 0) weights[types.indexOf(FORMATS.apng)] = 0;
      const most = Math.max(...weights);
      return most > 0 ? types[weights.indexOf(most)] : "";
    },
  });
  const format = offered.find((format) => FORMATS[format] === chosen);
  if (format !== undefined) return format;
  throw new HTTPException(406, {
    message: `this is answered as ${types.join(", ")}; format= takes ${offered.join(", ")}`,
  });
};
