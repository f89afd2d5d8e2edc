/** Some pictures to decode. */
export interface DecodeRequest {
  readonly id: number;
  readonly paths: readonly string[];
  /** Pixels of the side of what they become. */
  readonly size: number;
  /** Whether they must be of that size already. */
  readonly exact: boolean;
}

/** What became of them. */
export type DecodeAnswer =
  | {
    readonly id: number;
    /** RGB, of those that could be read, in their order. */
    readonly images: Uint8Array<ArrayBuffer>;
    /** Whether all of these are gray. */
    readonly isGray: boolean;
    /** Those that could not, by their places in `paths`. */
    readonly faults: readonly { readonly place: number; readonly reason: string }[];
  }
  | {
    readonly id: number;
    readonly differs: { readonly place: number; readonly height: number; readonly width: number };
  }
  | { readonly id: number; readonly failed: string };
