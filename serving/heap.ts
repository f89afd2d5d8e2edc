/** What the JavaScript of a thread holds, in bytes; what is garbage and not yet collected is among it. */
export interface Heap {
  /** Of the heap's pages. */
  readonly total: number;
  /** Of the objects on them. */
  readonly used: number;
  /** Of buffers that objects hold outside. */
  readonly external: number;
}

/** Reads the heap of the thread that it runs on: each has its own, of which the others see nothing. */
export const readHeap = (): Heap => {
  const { heapTotal: total, heapUsed: used, external } = Deno.memoryUsage();
  return { total, used, external };
};

/** `readHeap` for a thread that reports it to another with its other messages: null where it did so a moment ago. */
export const createHeapReader = (
  { every = 1000, now = () => performance.now() }: { every?: number; now?: () => number } = {},
): () => Heap | null => {
  let last = -Infinity;
  return () => {
    if (now() - last < every) return null;
    last = now();
    return readHeap();
  };
};
