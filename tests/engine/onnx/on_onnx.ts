import { type Engine, openEngine } from "../../../engine/mod.ts";
import { whyNot } from "../why_not.ts";

/** A test on the ONNX engine; skipped, with the reason in its name, where it is not to be tested. */
export const onOnnx = (name: string, run: (engine: Engine) => void | Promise<void>): void => {
  const reason = whyNot("onnx");
  Deno.test(`${name} ${reason}`.trimEnd(), { ignore: reason !== "" }, async () => {
    await run(await openEngine("onnx"));
  });
};
