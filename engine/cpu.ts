import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "./engine.ts";

/** Opens tfjs's plain JavaScript backend: every kernel and gradient, no speed. The reference in tests. */
export const openCpu = async (): Promise<Engine> => {
  // Without it the backend advertises tfjs-node at every start.
  tf.env().set("PROD", true);
  await tf.setBackend("cpu");
  await tf.ready();
  return { name: "cpu", version: tf.version_core, device: "plain JavaScript" };
};
