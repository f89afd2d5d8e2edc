/// <reference lib="deno.worker" />
/** The serving worker, with an engine that fails on request: by the seed of the request. */
import * as tf from "@tensorflow/tfjs-core";
import type { ToWorker } from "../../serving/protocol.ts";
import "../../serving/worker.ts";
import { DYING_SEED, FAILING_SEED } from "./failing_seeds.ts";

let left = Infinity;
const read = tf.Tensor.prototype.dataSync;
tf.Tensor.prototype.dataSync = function () {
  if (--left < 0) throw new Error("out of memory");
  return read.call(this) as never;
};

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type !== "run") return;
  if (data.request.sampling.seed === FAILING_SEED) left = 5;
  if (data.request.sampling.seed !== DYING_SEED) return;
  setTimeout(() => {
    throw new Error("out of luck");
  }, 30);
});
