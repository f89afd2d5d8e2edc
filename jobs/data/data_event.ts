/** What is heard while a dataset is prepared. */
export type DataEvent =
  /** Images done so far, the skipped ones among them. */
  | {
    readonly event: "preparing";
    readonly step: number;
    readonly steps: number;
    readonly imagesPerSecond: number;
    readonly secondsLeft: number;
  }
  /** A file that was passed over; the first ten are told. */
  | { readonly event: "skipped"; readonly file: string; readonly reason: string }
  /** The end: a cache was written. */
  | {
    readonly event: "prepared";
    readonly data: string;
    readonly folder: string;
    readonly images: number;
    readonly skipped: number;
    readonly seconds: number;
  };

/** Bytes of a package that have arrived. */
export type FetchEvent = {
  readonly event: "progress";
  readonly unit: "bytes";
  readonly step: number;
  readonly steps: number;
  readonly bytesPerSecond: number;
  readonly secondsLeft?: number;
};
