/** A server's memory at a moment, in MiB. */
export interface Memory {
  /** What the process has of the machine's. */
  readonly rss: number;
  /** By thread: objects on its heap and their buffers outside, garbage that is not yet collected among them. */
  readonly heaps: Readonly<Record<string, number>>;
}

const MIB = 2 ** 20;

/** Reads a server's memory from what its `/metrics` say. */
export const parseMemory = (metrics: string): Memory => {
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
export interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * Each thread's heap over measurements. The least is what was left after a collection: what is lost for good shows there.
 */
export const heapRanges = (memory: readonly Memory[]): Record<string, Range> => {
  const threads = new Set(memory.flatMap(({ heaps }) => Object.keys(heaps)));
  return Object.fromEntries([...threads].map((thread) => {
    const values = memory.flatMap(({ heaps }) => heaps[thread] ?? []).map(Math.round);
    return [thread, { least: Math.min(...values), most: Math.max(...values) }];
  }));
};
