import { type Installable, installEngine } from "../../engine/install.ts";
import { linkTensorflow } from "../../engine/tensorflow/link.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { createReporter } from "../cli/progress.ts";

/** Links a TensorFlow that is installed elsewhere into the project's own folder, and says which. */
export const runLink = async (from: string): Promise<void> => {
  const { version, target } = await linkTensorflow(from);
  console.log(`linked TensorFlow ${version} in ${target}`);
};

/**
 * Installs libraries of an engine; on a terminal the installer shows its own progress.
 *
 * @returns 0, or 130 after Ctrl-C, when nothing is left behind
 */
export const runInstall = async (what: Installable): Promise<number> => {
  using interrupt = listenForInterrupt();
  const report = Deno.stdout.isTerminal() ? undefined : createReporter().report;
  try {
    const path = await installEngine(what, { signal: interrupt.signal, report });
    if (!report) console.log(`installed ${path}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error("called off; nothing was installed");
    return INTERRUPTED;
  }
};
