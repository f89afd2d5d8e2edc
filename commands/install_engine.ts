import { type Installable, installTensorflow } from "../engine/tensorflow/install.ts";
import { Interrupted, listenForInterrupt } from "./interrupt.ts";
import { createReporter } from "./progress.ts";

/**
 * Installs TensorFlow; on a terminal the installer shows its own progress.
 *
 * @returns 0, or 130 after Ctrl-C, when nothing is left behind
 */
export const installEngine = async (what: Installable): Promise<number> => {
  using interrupt = listenForInterrupt();
  const report = Deno.stdout.isTerminal() ? undefined : createReporter().report;
  try {
    const path = await installTensorflow(what, { signal: interrupt.signal, report });
    if (!report) console.log(`installed ${path}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error("called off; nothing was installed");
    return 130;
  }
};
