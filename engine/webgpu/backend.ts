import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { BufferPool } from "./buffer_pool.ts";

/**
 * tfjs's WebGPU backend with a `readSync` that works in Deno, where tfjs's own, by way of a canvas, does not.
 *
 * Deno 2.9's `mapAsync` waits for the device within the call itself, and then lets 10 ms go by before its promise
 * resolves. The mapped range is there at once, so it is read at once.
 *
 * What the device refuses to compute leaves zeros, and is told on the event loop's next turn: the read after it throws.
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
