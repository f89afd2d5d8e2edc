import { registerGradients } from "../../../engine/gradients.ts";
import { openTensorflow, type TensorflowEngine } from "../../../engine/tensorflow/mod.ts";
import { whyNot } from "../why_not.ts";

/** A test on the TensorFlow engine; skipped, with the reason in its name, where there is none. */
export const onTensorflow = (name: string, run: (engine: TensorflowEngine) => void | Promise<void>): void => {
  const reason = whyNot("tensorflow");
  Deno.test(`${name} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    const engine = await openTensorflow();
    registerGradients();
    await run(engine);
  });
};
