import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../../engine/mod.ts";
import type { DenoWebgpuBackend } from "../../../engine/webgpu/backend.ts";
import { whyNot } from "../why_not.ts";

/** A test on the WebGPU engine, in software; skipped, with the reason in its name, where there is no adapter. */
export const onWebgpu = (name: string, run: (backend: DenoWebgpuBackend) => void | Promise<void>): void => {
  const reason = whyNot("webgpu-software");
  Deno.test(`${name} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    await openEngine("webgpu-software");
    await run(tf.backend() as unknown as DenoWebgpuBackend);
  });
};
