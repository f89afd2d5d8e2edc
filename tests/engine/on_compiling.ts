import * as tf from "@tensorflow/tfjs-core";
import { openEngine } from "../../engine/mod.ts";
import { OnnxBackend, type OpenSession, registerKernels } from "../../engine/onnx/backend.ts";
import { loadRuntime, openSession } from "../../engine/onnx/session.ts";
import { openTensorflow } from "../../engine/tensorflow/mod.ts";
import { whyNot } from "./why_not.ts";

/** An engine that records functions, opened. */
export interface CompilingEngine {
  readonly name: "onnx" | "tensorflow";
  /** Makes it tfjs's backend again. */
  use(): Promise<unknown>;
  /** What it holds of its library beside what tfjs's tensors are: by kind, how many. */
  held(): Record<string, number>;
}

const COUNTED = "onnx, counted";
let sessions = 0;

/** The ONNX engine, its sessions of compiled functions counted. */
const openCountedOnnx = async (): Promise<CompilingEngine> => {
  await openEngine("onnx");
  const runtime = await loadRuntime();
  const openCounted: OpenSession = (model, { isSmall }) => {
    const session = openSession(runtime, model, { device: "cpu", threads: isSmall ? 1 : 2 });
    if (isSmall) return session;
    sessions++;
    const dispose = () => {
      sessions--;
      session.dispose();
    };
    return { ...session, dispose };
  };
  if (!tf.findBackendFactory(COUNTED)) {
    registerKernels(COUNTED);
    tf.registerBackend(COUNTED, () => new OnnxBackend(openCounted));
  }
  await tf.setBackend(COUNTED);
  return { name: "onnx", use: () => tf.setBackend(COUNTED), held: () => ({ sessions }) };
};

const openCountedTensorflow = async (): Promise<CompilingEngine> => {
  const { context } = await openTensorflow();
  return { name: "tensorflow", use: () => tf.setBackend("tensorflow"), held: () => ({ ...context.live }) };
};

/** A test on each engine that records functions; skipped, with the reason in its name, where it is not here. */
export const onCompiling = (name: string, run: (engine: CompilingEngine) => void | Promise<void>): void => {
  for (const [engine, open] of [["onnx", openCountedOnnx], ["tensorflow", openCountedTensorflow]] as const) {
    const reason = whyNot(engine);
    Deno.test(`${name}, on ${engine} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
      await run(await open());
    });
  }
};
