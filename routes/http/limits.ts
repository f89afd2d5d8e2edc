/** What one request, one client, and the server's memory may take. */
export interface Limits {
  /** Images of one request. */
  readonly images: number;
  /** Denoising steps of one request; a model's T if smaller. */
  readonly steps: number;
  /** Seconds that a request may take, its waiting included. */
  readonly seconds: number;
  /** Connections with a request under way; fewer where the limit of open files says so. */
  readonly connections: number;
  /** Requests that a client may have under way; 0 is any number. */
  readonly concurrent: number;
  /** Wrong keys that an address may send before it has to wait. */
  readonly wrongKeys: number;
  /** Bytes of a body that holds images. */
  readonly imageBytes: number;
  /** Bytes of any other body. */
  readonly bodyBytes: number;
  /** Pixels of an image that is sent, before it is resized. */
  readonly pixels: number;
  /** Pixels of all pictures of an answer that are made larger than the model draws them. */
  readonly enlargedPixels: number;
  /** Training jobs that may wait. */
  readonly waitingJobs: number;
  /** Seconds that a prediction is kept after its end. */
  readonly retainedSeconds: number;
  /** Predictions that are kept, and the bytes of their images. */
  readonly retainedCount: number;
  readonly retainedBytes: number;
}

/** The limits where nothing else is said. */
export const LIMITS: Limits = {
  images: 64,
  steps: 10_000,
  seconds: 600,
  connections: 1024,
  concurrent: 32,
  wrongKeys: 10,
  imageBytes: 16 * 2 ** 20,
  bodyBytes: 64 * 2 ** 10,
  pixels: 2 ** 24,
  enlargedPixels: 2 ** 24,
  waitingJobs: 100,
  retainedSeconds: 3600,
  retainedCount: 1000,
  retainedBytes: 256 * 2 ** 20,
};
