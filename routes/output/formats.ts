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
