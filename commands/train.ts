import { trainOptions } from "../training/recipe.ts";
import { defineCommand } from "./cli/command.ts";

/** The `train` command: a model from images, into a run folder. */
export const trainCommand = defineCommand({
  options: trainOptions,
  short: { out: "o", seed: "s" },
  examples: [
    { line: "deno task train", does: "Handwritten digits by the paper's recipe, on this machine's best engine." },
    { line: "deno task train --schedule cosine --prediction v_prediction", does: "By a later recipe." },
    { line: "deno task train --preset tiny --steps 200", does: "A first look, in a minute." },
    { line: "deno task train --resume runs/mine", does: "On from the run's last checkpoint." },
  ],
  run: async (options) => {
    const { train } = await import("../training/train.ts");
    const { createReporter } = await import("./cli/progress.ts");
    const { listenForInterrupt } = await import("./cli/interrupt.ts");
    using interrupt = listenForInterrupt();
    const signals = [interrupt.signal];
    if (options.stopAtEof) signals.push((await import("./train/run.ts")).endOfInput());
    using lease = options.lease ? await (await import("./train/run.ts")).holdLease() : null;
    if (lease) signals.push(lease.ended);
    await train(options, {
      signal: AbortSignal.any(signals),
      checkLease: lease?.check,
      report: createReporter({ jsonMilliseconds: 1000 }).report,
    });
  },
});
