import { dirname } from "@std/path";
import { loadPipeline } from "../../model/pipeline.ts";
import { sampleShape, type UNetConfig } from "../../model/unet_config.ts";
import { agreeing } from "./agreement.ts";
import { type Contender, type Operation, start } from "./contender.ts";
import { measure, type Result } from "./measure.ts";
import { writeModel } from "./model.ts";
import { programs, type Purpose } from "./programs.ts";
import { type ProcessFound, table } from "./table.ts";

const OPERATIONS: Record<Purpose, readonly Operation[]> = {
  step: [1, 4, 16].map((rows) => ({ operation: "step", rows })),
  train: [{ operation: "train", rows: 8 }],
};

/** What is compared, and how long. */
export interface Comparison {
  /** The model's folder; the CIFAR-10 network of the paper is made where there is none. */
  readonly model?: string;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly operations: readonly Purpose[];
  /** The file for all times. */
  readonly json: string;
}

interface Found {
  readonly results: readonly Result[];
  readonly processes: readonly ProcessFound[];
}

const startAll = async (purpose: Purpose, folder: string, only: readonly string[]): Promise<Contender[]> => {
  const contenders: Contender[] = [];
  for (const program of programs(purpose).filter(({ name }) => only.includes(name))) {
    try {
      contenders.push(await start(program, folder));
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`);
    }
  }
  return contenders;
};

const compareFor = async (
  purpose: Purpose,
  { folder, unet, rounds, only }: { folder: string; unet: UNetConfig; rounds: number; only: readonly string[] },
): Promise<Found> => {
  const started = await startAll(purpose, folder, only);
  const size = sampleShape(unet).reduce((product, n) => product * n, unet.in_channels);
  const checked = purpose === "step"
    ? await agreeing(started, size)
    : started.map((contender) => ({ contender, difference: null }));

  const operations = OPERATIONS[purpose];
  const running = new Set(checked.map(({ contender }) => contender));
  const results = await measure(running, operations, rounds);

  const processes: ProcessFound[] = [];
  for (const { contender, difference } of checked) {
    const { name, secondsToReady } = contender;
    const residentBytes = running.has(contender) ? (await contender.time(operations.at(-1)!)).residentBytes : null;
    processes.push({ contender: name, purpose, secondsToReady, residentBytes, difference });
    if (running.has(contender)) await contender.close();
  }
  return { results, processes };
};

/**
 * Runs the comparison, prints its table and writes its file.
 *
 * @throws {ModelError} if the model cannot be read
 */
export const compare = async ({ model, rounds, only, operations, json }: Comparison): Promise<void> => {
  const folder = model ?? "runs/bench-cifar10";
  try {
    const { unet } = model === undefined ? await writeModel(folder) : await loadPipeline(folder);
    // Before the minutes of measuring: may it be written?
    await Deno.mkdir(dirname(json), { recursive: true });
    (await Deno.open(json, { write: true, create: true })).close();
    const found: Found[] = [];
    for (const purpose of operations) found.push(await compareFor(purpose, { folder, unet, rounds, only }));
    const results = found.flatMap((one) => one.results), processes = found.flatMap((one) => one.processes);
    console.log(table(results, processes));
    await Deno.writeTextFile(json, JSON.stringify({ results, processes }, null, 2) + "\n");
    console.error(`written: ${json}`);
  } finally {
    if (model === undefined) await Deno.remove(folder, { recursive: true });
  }
};
