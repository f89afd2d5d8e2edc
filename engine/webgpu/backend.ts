import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";

/** Reads after which a buffer that nothing took is destroyed. */
const PATIENCE = 16;

/**
 * The device's buffers, kept for reuse by size, in the place of tfjs's `BufferManager`, which keeps them for good: a
 * server whose batches come in all sizes would hold the activations of each.
 */
class BufferPool {
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
      const recent = same.filter(({ since }) => since >= this.#now - PATIENCE);
      for (const entry of same) if (!recent.includes(entry)) this.#destroy(entry.buffer);
      if (recent.length > 0) this.#idle.set(key, recent);
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

/**
 * tfjs's WebGPU backend with a `readSync` that works in Deno, where tfjs's own, by way of a canvas, does not.
 *
 * Deno 2.9's `mapAsync` waits for the device within the call itself, and then lets 10 ms go by before its promise
 * resolves. The mapped range is there at once, so it is read at once.
 *
 * What the device refuses to compute leaves zeros, and is reported on the event loop's next turn: the read
 * after it throws.
 */
export class DenoWebgpuBackend extends WebGPUBackend {
  readonly #pool: BufferPool;
  #failure: string | undefined;

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info);
    this.#pool = new BufferPool(device);
    this.bufferManager = this.#pool as unknown as WebGPUBackend["bufferManager"];
    device.addEventListener("uncapturederror", (event) => {
      this.#failure ??= (event as GPUUncapturedErrorEvent).error.message;
    });
    device.lost.then(({ reason, message }) => {
      if (reason !== "destroyed") this.#failure ??= `the device was lost: ${message}`;
    });
  }

  override readSync(dataId: object): tf.BackendValues {
    const { values, resource, dtype } = this.tensorMap.get(dataId);
    if (values || !(resource instanceof GPUBuffer) || dtype === "complex64") return super.readSync(dataId);
    return tf.util.convertBackendValuesAndArrayBuffer(this.#download(resource), dtype);
  }

  override read(dataId: object): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  #download(buffer: GPUBuffer): ArrayBuffer {
    if (this.#failure !== undefined) throw new Error(`Cannot go on with WebGPU: ${this.#failure}`);
    const { size } = buffer;
    // Deno ends the process when a range is asked for of a buffer that has not been mapped before.
    const staging = this.device.createBuffer({
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      mappedAtCreation: true,
    });
    try {
      staging.unmap();
      this.ensureCommandEncoderReady();
      this.endComputePassEncoder();
      (this as unknown as { commandEncoder: GPUCommandEncoder }).commandEncoder
        .copyBufferToBuffer(buffer, 0, staging, 0, size);
      this.submitQueue();
      staging.mapAsync(GPUMapMode.READ).catch(() => {});
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
      this.#pool.tick();
    }
  }
}
