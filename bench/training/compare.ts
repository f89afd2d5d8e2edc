import { dirname, join } from "@std/path";
import { type JsonProcess, startJsonProcess } from "../json_process.ts";
import { median } from "../median.ts";
import { TRAINING_PEERS, trainingProgram, writeTimedTask } from "./task.ts";

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** The results in Markdown: medians, in brackets how many times as fast as the faster of the peers. */
const trainingTable = (results: readonly ContenderResult[]): string => {
  const rates = results.map(({ imagesPerSecond }) => median(imagesPerSecond));
  const best = Math.max(...rates.filter((_, i) => TRAINING_PEERS.includes(results[i].contender)));
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

/** What is compared, and how long. */
export interface TrainingComparison {
  readonly preset: "digits" | "cifar10";
  readonly batch: number;
  readonly steps: number;
  readonly rounds: number;
  readonly only: readonly string[];
  /** The file for all times. */
  readonly json: string;
}

/** A contender's answer to a turn. */
interface Turn {
  readonly seconds: number;
  /** Mean over its steps. */
  readonly loss: number;
  readonly outsideShare?: number;
}

/** What one contender took. */
export interface ContenderResult {
  readonly contender: string;
  readonly description: string;
  /** Images a second, of each turn. */
  readonly imagesPerSecond: number[];
  /** Mean of the last turn. */
  loss: number | null;
  /** Share of the last steps' time that was not spent in the compiled step. */
  outsideShare: number | null;
  /** The most that its process held in memory at any time. */
  peakBytes: number | null;
}

/** Steps before any are timed: the first compiles. */
const WARM_UP = 3;

/** The largest resident set that a process ever had; Linux alone tells. */
const peakBytes = async (pid: number): Promise<number | null> => {
  const { success, stdout } = await new Deno.Command("python3", {
    args: ["-c", "import sys; print(open(f'/proc/{sys.argv[1]}/status').read())", `${pid}`],
    stderr: "null",
  }).output();
  const kibibytes = success ? /VmHWM:\s+(\d+) kB/.exec(new TextDecoder().decode(stdout))?.[1] : undefined;
  return kibibytes === undefined ? null : 1024 * Number(kibibytes);
};

/**
 * Runs the comparison, prints its table and writes its file. All are started and warmed up first; then they take turns of
 * some steps, so that all meet the same machine.
 */
export const compareTraining = async (
  { preset, batch, steps, rounds, only, json }: TrainingComparison,
): Promise<void> => {
  await Deno.mkdir(dirname(json), { recursive: true });
  // Always the same, so that what is prepared of its images, in data/.prepared, is one cache.
  const folder = `runs/bench-training-${preset}`;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const running = new Map<ContenderResult, JsonProcess<{ steps: number }, Turn>>();
  try {
    await writeTimedTask(folder, preset, batch);
    for (const contender of only) {
      try {
        const process = await startJsonProcess<{ steps: number }, Turn>(
          trainingProgram(contender, join(folder, "task.json")),
        );
        await process.request({ steps: WARM_UP });
        const { description } = process.greeting;
        running.set(
          { contender, description, imagesPerSecond: [], loss: null, outsideShare: null, peakBytes: null },
          process,
        );
      } catch (error) {
        console.error(`left out: ${(error as Error).message}`);
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const [found, process] of running) {
        const { seconds, loss, outsideShare } = await process.request({ steps });
        found.imagesPerSecond.push(steps * batch / seconds);
        found.loss = loss;
        found.outsideShare = outsideShare ?? null;
        console.error(`${found.contender}: ${(steps * batch / seconds).toFixed(1)} images/s`);
      }
    }
    for (const [found, process] of running) found.peakBytes = await peakBytes(process.pid);
    const results = [...running.keys()];
    console.log(trainingTable(results));
    await Deno.writeTextFile(json, JSON.stringify({ preset, batch, steps, results }, null, 2) + "\n");
    console.error(`written: ${json}`);
  } finally {
    await Promise.all(Array.from(running.values(), (process) => process.close()));
    await Deno.remove(folder, { recursive: true });
  }
};
