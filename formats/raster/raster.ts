/** The pixels of a file as they stand in it. */
export interface Raster {
  readonly height: number;
  readonly width: number;
  /** 1: gray, 2: gray and alpha, 3: RGB, 4: RGBA. Alpha is not multiplied in. */
  readonly channels: 1 | 2 | 3 | 4;
  /** H·W·C; what 255 is in bytes is 65535 in a Uint16Array. */
  readonly data: Uint8Array | Uint8ClampedArray | Uint16Array;
  /** How the picture is meant to be turned, 1 … 8 (TIFF 6.0, tag 274); 1 is as it is. */
  readonly orientation: number;
}

/** What a file says of its picture before any of it is decoded. */
export interface RasterHeader {
  readonly height: number;
  readonly width: number;
}
