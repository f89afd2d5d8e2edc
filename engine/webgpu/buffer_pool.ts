/** Reads after which a buffer that nothing took is destroyed. */
const PATIENCE = 16;

/**
 * The device's buffers, kept for reuse by size, in the place of tfjs's `BufferManager`, which keeps them for good: a
 * server whose batches come in all sizes would hold the activations of each.
 */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #idle = new Map<string, { buffer: GPUBuffer; since: number }[]>();
  readonly #used = new Set<GPUBuffer>();
  #now = 0;
  numBytesUsed = 0;
  numBytesAllocated = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GPUBuffer {
    let buffer = reuse ? this.#idle.get(`${size} ${usage}`)?.pop()?.buffer : undefined;
    if (buffer === undefined) {
      buffer = this.#device.createBuffer({ size, usage, mappedAtCreation });
      this.numBytesAllocated += size;
    }
    this.#used.add(buffer);
    this.numBytesUsed += size;
    return buffer;
  }

  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    const { size, usage } = buffer;
    if (!this.#used.delete(buffer)) return;
    this.numBytesUsed -= size;
    if (!reuse) return this.#destroy(buffer);
    const key = `${size} ${usage}`;
    const same = this.#idle.get(key) ?? [];
    same.push({ buffer, since: this.#now });
    this.#idle.set(key, same);
  }

  /** Counts a read, and now and then destroys what has been idle since long. */
  tick(): void {
    if (++this.#now % PATIENCE !== 0) return;
    for (const [key, same] of this.#idle) {
      const kept = same.filter(({ since }) => since >= this.#now - PATIENCE);
      for (const entry of same) if (!kept.includes(entry)) this.#destroy(entry.buffer);
      if (kept.length > 0) this.#idle.set(key, kept);
      else this.#idle.delete(key);
    }
  }

  dispose(): void {
    for (const buffer of this.#used) this.#destroy(buffer);
    for (const same of this.#idle.values()) for (const { buffer } of same) this.#destroy(buffer);
    this.#used.clear();
    this.#idle.clear();
    this.numBytesUsed = 0;
  }

  #destroy(buffer: GPUBuffer): void {
    this.numBytesAllocated -= buffer.size;
    buffer.destroy();
  }
}
