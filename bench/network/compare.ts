import { dirname } from "@std/path";
import { encodeUNetAsOnnx } from "../../model/onnx.ts";
import { loadPipeline } from "../../model/pipeline.ts";
import { sampleShape, type UNetConfig } from "../../model/unet_config.ts";
import { median } from "../median.ts";
import { normalImages } from "./answer.ts";
import { writeCifar10Model } from "./cifar10_model.ts";
import {
  type Contender,
  NETWORK_PEERS,
  ONNX_FILE,
  programs,
  type Purpose,
  startContender,
  type TimedOperation,
  toleranceOf,
} from "./contender.ts";

/**
 * Asks every contender for ε_θ of the same image, and keeps those that agree with the first. Says who does not.
 *
 * @param size values in an image
 * @returns them, with the largest difference of each
 */
const keepAgreeing = async (
  contenders: readonly Contender[],
  size: number,
): Promise<{ contender: Contender; difference: number }[]> => {
  const x = normalImages(1, size, 2);
  const agreeing: { contender: Contender; difference: number }[] = [];
  let reference: readonly number[] | undefined;
  for (const contender of contenders) {
    try {
      const epsilon = await contender.evaluate(x, 500);
      reference ??= epsilon;
      const difference = epsilon.reduce((most, value, i) => Math.max(most, Math.abs(value - reference![i])), 0);
      // Written so that NaN fails.
      if (!(epsilon.length === reference.length && difference < toleranceOf(contender.name))) {
        throw new Error(`${contender.name}: its ε differs by ${difference} from that of ${contenders[0].name}`);
      }
      agreeing.push({ contender, difference });
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`);
      await contender.close();
    }
  }
  return agreeing;
};

/** A turn: this many calls in a row, or as many as fit into its seconds. */
const TURN_CALLS = 5;
const TURN_SECONDS = 2;

/** An operation of a contender is timed at most this long, the rounds notwithstanding. */
const BUDGET_SECONDS = 60;

/** What one contender took for one operation. */
export interface OperationTimes extends TimedOperation {
  readonly contender: string;
  readonly description: string;
  readonly seconds: readonly number[];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** An operation, in words. */
const label = ({ operation, rows }: TimedOperation): string =>
  operation === "step" ? `step, ${rows} ${rows === 1 ? "row" : "rows"}` : `training step, ${rows} images`;

/**
 * One contender's turn. A server's steps follow each other, so the first call, behind a pause that let its memory leave
 * the caches, is dropped; one that takes a turn's time by itself warms itself, and counts.
 */
const turn = async (contender: Contender, operation: TimedOperation): Promise<number[]> => {
  const first = await contender.time(operation);
  if (first.seconds >= TURN_SECONDS) return [first.seconds];
  const seconds: number[] = [];
  while (seconds.length < TURN_CALLS && sum(seconds) < TURN_SECONDS) {
    seconds.push((await contender.time(operation)).seconds);
  }
  return seconds;
};

/**
 * Times operations: all contenders take their turn in each round, so that all meet the same machine. One that fails an
 * operation is left out of it and of those behind, and why is reported.
 *
 * @param contenders those that fail are closed and taken out
 */
const measure = async (
  contenders: Set<Contender>,
  operations: readonly TimedOperation[],
  rounds: number,
): Promise<OperationTimes[]> => {
  const results: OperationTimes[] = [];
  for (const operation of operations) {
    const seconds = new Map<Contender, number[]>(Array.from(contenders, (contender) => [contender, []]));
    const attempt = async (contender: Contender, work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        console.error(`left out of ${label(operation)}: ${(error as Error).message}`);
        contenders.delete(contender);
        await contender.close();
      }
    };
    // The first call of a shape compiles.
    for (const contender of contenders) await attempt(contender, () => contender.time(operation));
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) {
        const own = seconds.get(contender)!;
        if (sum(own) > BUDGET_SECONDS) continue;
        // Threads of the one before may still spin.
        await new Promise((resume) => setTimeout(resume, 250));
        await attempt(contender, async () => void own.push(...await turn(contender, operation)));
      }
    }
    for (const contender of contenders) {
      const { name, description } = contender, own = seconds.get(contender)!;
      results.push({ contender: name, description, ...operation, seconds: own });
      console.error(`${label(operation)}: ${name} ${(1000 * median(own)).toFixed(0)} ms`);
    }
  }
  return results;
};

/** What was found of a contender's process beside its times. */
export interface ProcessFound {
  readonly contender: string;
  readonly purpose: Purpose;
  readonly secondsToReady: number;
  /** At the end, behind the largest operation; `null` if it ended before. */
  readonly residentBytes: number | null;
  /** Largest difference of its ε from the first contender's; `null` where it was not asked. */
  readonly difference: number | null;
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

const cell = <T>(value: T | null | undefined, text: (value: T) => string) =>
  value === null || value === undefined ? "–" : text(value);

/** The results in Markdown: medians, and in brackets how many times as fast as the faster of the peers. */
const networkTable = (results: readonly OperationTimes[], processes: readonly ProcessFound[]): string => {
  const operations = [...new Set(results.map(label))];
  const names = [...new Set(processes.map(({ contender }) => contender))];
  const medianOf = (name: string, operation: string) => {
    const found = results.find((result) => result.contender === name && label(result) === operation);
    return found && 1000 * median(found.seconds);
  };
  const speed = (name: string, operation: string) =>
    cell(medianOf(name, operation), (own) => {
      const peers = NETWORK_PEERS.map((peer) => medianOf(peer, operation)).filter((time) => time !== undefined);
      const time = `${own.toFixed(0)} ms`;
      return peers.length === 0 ? time : `${time} (${(Math.min(...peers) / own).toFixed(2)}×)`;
    });
  const purposes = (["step", "train"] as const).filter((one) => processes.some(({ purpose }) => purpose === one));
  const found = (name: string, purpose: Purpose) =>
    processes.find((process) => process.contender === name && process.purpose === purpose);
  const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

  const columns = [
    ...operations,
    ...purposes.map((purpose) => purpose === "step" ? "start to first step" : "start to first training step"),
    ...purposes.map((purpose) => purpose === "step" ? "memory, sampling" : "memory, training"),
    ...(purposes.includes("step") ? ["ε differs by"] : []),
  ];
  return [
    row(["", ...columns]),
    row(["---", ...columns.map(() => "---:")]),
    ...names.map((name) =>
      row([
        name,
        ...operations.map((operation) => speed(name, operation)),
        ...purposes.map((purpose) => cell(found(name, purpose)?.secondsToReady, (s) => `${s.toFixed(1)} s`)),
        ...purposes.map((purpose) => cell(found(name, purpose)?.residentBytes, gibibytes)),
        ...(purposes.includes("step")
          ? [cell(found(name, "step")?.difference, (d) => d === 0 ? "0" : d.toExponential(0))]
          : []),
      ])
    ),
  ].join("\n");
};

const OPERATIONS: Record<Purpose, readonly TimedOperation[]> = {
  step: [1, 4, 16].map((rows) => ({ operation: "step", rows })),
  train: [{ operation: "train", rows: 8 }],
};

/** What is compared, and how long. */
export interface NetworkComparison {
  /** The model's folder; the CIFAR-10 network of the paper is made where there is none. */
  readonly model?: string;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly operations: readonly Purpose[];
  /** The file for all times. */
  readonly json: string;
}

interface Found {
  readonly results: readonly OperationTimes[];
  readonly processes: readonly ProcessFound[];
}

const startAll = async (purpose: Purpose, folder: string, only: readonly string[]): Promise<Contender[]> => {
  const contenders: Contender[] = [];
  for (const program of programs(purpose).filter(({ name }) => only.includes(name))) {
    try {
      contenders.push(await startContender(program, folder));
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
    ? await keepAgreeing(started, size)
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
export const compareNetworks = async ({ model, rounds, only, operations, json }: NetworkComparison): Promise<void> => {
  const folder = model ?? "runs/bench-cifar10";
  try {
    const pipeline = model === undefined ? await writeCifar10Model(folder) : await loadPipeline(folder);
    const { unet } = pipeline;
    await Deno.mkdir(dirname(ONNX_FILE), { recursive: true });
    await Deno.writeFile(ONNX_FILE, await encodeUNetAsOnnx(pipeline, { producer: "bench", name: "network" }));
    // Before the minutes of measuring: may it be written?
    await Deno.mkdir(dirname(json), { recursive: true });
    (await Deno.open(json, { write: true, create: true })).close();
    const found: Found[] = [];
    for (const purpose of operations) found.push(await compareFor(purpose, { folder, unet, rounds, only }));
    const results = found.flatMap((one) => one.results), processes = found.flatMap((one) => one.processes);
    console.log(networkTable(results, processes));
    await Deno.writeTextFile(json, JSON.stringify({ results, processes }, null, 2) + "\n");
    console.error(`written: ${json}`);
  } finally {
    await Deno.remove(ONNX_FILE);
    if (model === undefined) await Deno.remove(folder, { recursive: true });
  }
};
