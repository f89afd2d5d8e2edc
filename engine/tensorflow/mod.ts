import * as tf from "@tensorflow/tfjs-core";
import util from "node:util";
import { describeProcessor, type Engine, EngineError, resolveXla, type XlaChoice } from "../engine.ts";
import { Binding } from "./binding.ts";
import { type ConfigOptions, type Context, openContext } from "./context.ts";
import { findLibrary, LIBRARY_VARIABLE } from "./find_library.ts";
import { registerBatchMatMul, registerConvolutions } from "./kernels.ts";
import { openLibrary } from "./library.ts";
import { enableXlaCache } from "./xla.ts";

/** Options of the TensorFlow engine. */
export interface TensorflowOptions extends ConfigOptions {
  /** TensorFlow's library, or a folder that holds it; looked for where {@linkcode findLibrary} looks if not given. */
  readonly library?: string;
  /** Whether XLA is to compile functions: `off` if not given. */
  readonly xla?: XlaChoice;
}

/** The engine, and what tests look at. */
export interface TensorflowEngine extends Engine {
  readonly context: Context;
}

let opened: TensorflowEngine | undefined;

/** tfjs-node-gpu calls two functions of Node that newer versions have not. */
const fillInNode = (): void => {
  const node = util as unknown as Record<string, unknown>;
  node.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  node.isArray ??= Array.isArray;
};

/**
 * Rows from which on a row's bits do not depend on how many there are: looked for by an experiment, since it is up to the
 * processor. With AVX-512 it is 1; without, oneDNN convolves one image alone by another kernel than two or more.
 */
const findLeastRows = (): number =>
  tf.tidy(() => {
    const values = (length: number) => tf.tensor1d(Float32Array.from({ length }, (_, i) => Math.sin(i)));
    const image = tf.reshape(values(8 * 8 * 16), [1, 8, 8, 16]) as tf.Tensor4D;
    const filter = tf.reshape(values(3 * 3 * 16 * 16), [3, 3, 16, 16]) as tf.Tensor4D;
    const alone = tf.conv2d(image, filter, 1, "same").dataSync();
    const twice = tf.conv2d(tf.concat([image, image]), filter, 1, "same").dataSync();
    return alone.every((value, i) => Object.is(value, twice[i])) ? 1 : 2;
  });

const start = async ({ library, xla, ...config }: TensorflowOptions): Promise<TensorflowEngine> => {
  const location = library ?? findLibrary();
  if (location === null) {
    throw new EngineError(
      "Cannot start tensorflow: no library is where this process may load one; " +
        `deno task engine install gets it, --tensorflow or ${LIBRARY_VARIABLE} names one`,
    );
  }
  const opened = openLibrary(location, { xla: xla === "on" });
  const { path, version } = opened;
  enableXlaCache(opened);
  const context = openContext(opened, config);
  fillInNode();
  // Without it tfjs advertises tfjs-node.
  tf.env().set("PROD", true);
  const { TensorflowBackend } = await import("./backend.ts");
  await import("@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js");
  registerConvolutions();
  const binding = new Binding(context, version);
  tf.registerBackend("tensorflow", () => new TensorflowBackend(binding));
  await tf.setBackend("tensorflow");
  const gpus = context.devices.filter(({ kind }) => kind === "GPU").length;
  const leastRows = gpus > 0 ? 1 : findLeastRows();
  if (leastRows > 1) registerBatchMatMul();
  const threads = config.threads ?? navigator.hardwareConcurrency;
  return {
    name: "tensorflow",
    version,
    device: gpus > 0 ? `GPU (${gpus})` : describeProcessor(threads),
    isGpu: gpus > 0,
    compilesFor: "each shape",
    leastRows,
    library: path,
    context,
  };
};

/**
 * Opens TensorFlow, any version from 2.9 on, under tfjs-node-gpu's kernels. A process has one: the options of the first
 * call hold, but for `xla`.
 *
 * @throws {EngineError} if no library is found, or it cannot be used, with the reason
 */
export const openTensorflow = async (options: TensorflowOptions = {}): Promise<TensorflowEngine> => {
  opened ??= await start(options);
  await tf.setBackend("tensorflow");
  const hasGpu = opened.context.devices.some(({ kind }) => kind === "GPU");
  return { ...opened, xla: resolveXla(options.xla ?? "off", hasGpu) };
};
