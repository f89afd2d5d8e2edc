import type { z } from "zod";
import { DATASETS } from "../../datasets/names.ts";
import { openDataset } from "../../datasets/open.ts";
import { openEngine } from "../../engine/mod.ts";
import { trainClassifier } from "../../evaluation/quality/train_classifier.ts";
import type { classifierOptions } from "../classifier.ts";
import { UsageError } from "../cli/command.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { createReporter } from "../cli/progress.ts";

/**
 * The images that are held out of those of a name.
 *
 * @throws {UsageError} if there are none
 */
const heldOutOf = (data: string): string => {
  const found = DATASETS.find((name) => name === `${data}-test`);
  if (found === undefined) {
    throw new UsageError(`--test must be given with --data ${data}, which has no test part of its own`);
  }
  return found;
};

/** Images a step, if nobody says how many and there are as many. */
const BATCH = 64;

/**
 * Trains a classifier into a folder.
 *
 * @returns 0, or 130 after Ctrl-C: the same command goes on after the last whole epoch
 */
export const runClassifier = async (options: z.output<typeof classifierOptions>): Promise<number> => {
  const { data, test: heldOut = heldOutOf(data), size, out, widths, features, epochs, lr, shift, seed } = options;
  using interrupt = listenForInterrupt();
  const { report } = createReporter({ jsonMilliseconds: 1000 });
  const open = { size, signal: interrupt.signal, onProgress: report };
  const started = performance.now();
  let images = 0;
  try {
    using train = await openDataset(data, open);
    using test = await openDataset(heldOut, open);
    const { batch = Math.min(BATCH, train.count) } = options;
    if (train.count < batch) {
      throw new UsageError(`--batch must be at most ${train.count}, as many as --data has, received ${batch}`);
    }
    const engine = await openEngine(options.engine, { ...options, trains: true });
    report({ event: "start", data: train.name, test: test.name, images: train.count, batch, engine: engine.name });
    const recipe = { epochs, batch, lr, shift, seed };
    const done = await trainClassifier({ train, test, shape: { widths, features }, recipe, folder: out }, {
      signal: interrupt.signal,
      onStep: ({ step, steps, loss }) => {
        images += batch;
        const imagesPerSecond = images * 1000 / (performance.now() - started);
        report({
          event: "progress",
          step,
          steps,
          loss,
          imagesPerSecond,
          secondsLeft: (steps - step) * batch / imagesPerSecond,
        });
      },
      onEpoch: (epoch) => report({ event: "epoch", ...epoch }),
    });
    report({
      event: "done",
      file: out,
      testAccuracy: done.at(-1)!.testAccuracy,
      seconds: (performance.now() - started) / 1000,
    });
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    report({ event: "error", message: "called off; the same command goes on after the last whole epoch" });
    return INTERRUPTED;
  }
};
