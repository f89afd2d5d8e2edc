/** Types for the parts of gifenc that this project uses; the package carries none. */
declare module "gifenc" {
  interface FrameOptions {
    /** Colours, [r, g, b] each, at most 256; null takes the first frame's. */
    palette?: number[][] | null;
    /** Milliseconds. */
    delay?: number;
    /** −1 plays once, 0 for ever, n repeats n times. Read at the first frame. */
    repeat?: number;
  }
  interface Encoder {
    writeFrame(indices: Uint8Array, width: number, height: number, options?: FrameOptions): void;
    finish(): void;
    bytes(): Uint8Array<ArrayBuffer>;
  }
  const gifenc: {
    GIFEncoder(): Encoder;
    /** RGBA pixels → at most `colours` colours, [r, g, b] each. */
    quantize(rgba: Uint8Array, colours: number, options?: { format?: "rgb565" | "rgb444" }): number[][];
  };
  export default gifenc;
}
