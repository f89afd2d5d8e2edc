import { median } from "../median.ts";
import type { Found } from "./compare.ts";
import { PEERS } from "./programs.ts";

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** The results in Markdown: medians, in brackets how many times as fast as the faster of the peers. */
export const table = (results: readonly Found[]): string => {
  const rates = results.map(({ imagesPerSecond }) => median(imagesPerSecond));
  const best = Math.max(...rates.filter((_, i) => PEERS.includes(results[i].contender)));
  const speed = (rate: number) => `${rate.toFixed(1)}${best > 0 ? ` (${(rate / best).toFixed(2)}×)` : ""}`;
  return [
    row(["", "images/s", "outside the compiled step", "peak memory", "loss at the end"]),
    row(["---", "---:", "---:", "---:", "---:"]),
    ...results.map(({ contender, outsideShare, peakBytes, loss }, i) =>
      row([
        contender,
        speed(rates[i]),
        outsideShare === null ? "–" : `${(100 * outsideShare).toFixed(1)} %`,
        peakBytes === null ? "–" : `${(peakBytes / 2 ** 30).toFixed(2)} GiB`,
        loss === null ? "–" : loss.toFixed(3),
      ])
    ),
  ].join("\n");
};
