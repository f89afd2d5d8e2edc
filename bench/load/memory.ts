/** A server's memory at a moment, in MiB. */
export interface ServerMemory {
  /** What the process has of the machine's. */
  readonly rss: number;
  /** By thread: objects on its heap and their buffers outside, garbage that is not yet collected among them. */
  readonly heaps: Readonly<Record<string, number>>;
}

const MIB = 2 ** 20;

/** Reads a server's memory from what its `/metrics` say. */
export const parseMemory = (metrics: string): ServerMemory => {
  const rss = /^denoise_memory_bytes\{kind="rss"\} (\d+)$/m.exec(metrics);
  if (rss === null) throw new SyntaxError("metrics must tell denoise_memory_bytes of kind rss");
  const heaps: Record<string, number> = {};
  for (
    const [, thread, kind, bytes] of metrics.matchAll(/^denoise_heap_bytes\{thread="(\w+)",kind="(\w+)"\} (\d+)$/gm)
  ) {
    if (kind !== "total") heaps[thread] = (heaps[thread] ?? 0) + Number(bytes) / MIB;
  }
  return { rss: Number(rss[1]) / MIB, heaps };
};

/** The least and the most of some measurements. */
export interface HeapRange {
  readonly least: number;
  readonly most: number;
}

/**
 * Each thread's heap over measurements. The least is what was left after a collection: what is lost for good shows there.
 */
export const heapRanges = (memory: readonly ServerMemory[]): Record<string, HeapRange> => {
  const threads = new Set(memory.flatMap(({ heaps }) => Object.keys(heaps)));
  return Object.fromEntries([...threads].map((thread) => {
    const values = memory.flatMap(({ heaps }) => heaps[thread] ?? []).map(Math.round);
    return [thread, { least: Math.min(...values), most: Math.max(...values) }];
  }));
};

/** A straight line through measurements. */
export interface MemoryTrend {
  /** By how much they grow in the unit of `span`. */
  readonly slope: number;
  /** Its standard error. */
  readonly error: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const blocksOf = (values: readonly number[], size: number): number[] =>
  Array.from({ length: Math.floor(values.length / size) }, (_, i) => mean(values.slice(i * size, (i + 1) * size)));

/**
 * Fits a line by least squares. Measurements that follow each other are alike, so the error is that of the means of
 * `block` of them, widened by how alike neighbouring residuals still are: r between them leaves (1 − r) / (1 + r) of n.
 *
 * @param values evenly spaced, at least four blocks of them
 * @param options.span measurements in the unit of the slope
 */
export const fitTrend = (
  values: readonly number[],
  { block, span }: { block: number; span: number },
): MemoryTrend => {
  const y = blocksOf(values, block);
  const n = y.length;
  if (n < 4) throw new RangeError(`values must be at least ${4 * block}, received ${values.length}`);
  const [middle, level] = [(n - 1) / 2, mean(y)];
  const spread = y.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  const slope = y.reduce((sum, value, i) => sum + (i - middle) * (value - level), 0) / spread;
  const residuals = y.map((value, i) => value - level - slope * (i - middle));
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  const products = residuals.slice(1).reduce((sum, residual, i) => sum + residual * residuals[i], 0);
  const likeness = squares === 0 ? 0 : Math.min(0.9, Math.max(0, products / squares));
  const error = Math.sqrt(squares / (n - 2) / spread * (1 + likeness) / (1 - likeness));
  return { slope: slope * span / block, error: error * span / block };
};
