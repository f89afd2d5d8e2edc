/**
 * The network's speed beside PyTorch's and diffusers', on the same weights, in turns: one run of each contender after
 * another, so that all meet the same machine.
 *
 *     deno task bench network [--json FILE] [--rounds N] [--model FOLDER] [--only NAME,NAME]
 *
 * Without a model it is the U-Net of the paper's CIFAR-10 run (35.7M parameters), with the weights that training starts
 * from, and those that start at zero drawn too.
 */
import { parseArgs } from "node:util";
import { normal } from "../core/mod.ts";
import { initializeUNet } from "../model/initialize.ts";
import { parseUNetConfig } from "../model/config.ts";
import { savePipeline } from "../model/pipeline.ts";
import { parseSchedulerConfig } from "../model/scheduler_config.ts";
import { median } from "./median.ts";
import { type Contender, type Operation, ours, type Program, pytorch, start } from "./network/contender.ts";

/** google/ddpm-cifar10-32. */
const CIFAR10 = {
  sample_size: 32,
  in_channels: 3,
  out_channels: 3,
  block_out_channels: [128, 256, 256, 256],
  layers_per_block: 2,
  down_block_types: ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
  attention_head_dim: null,
  downsample_padding: 0,
  flip_sin_to_cos: false,
  freq_shift: 1,
  norm_eps: 1e-6,
};

/** An operation is timed at most this long, the rounds notwithstanding. */
const BUDGET_SECONDS = 60;
const STEPS: readonly Operation[] = [1, 4, 16].map((rows) => ({ operation: "step", rows }));
const TRAINING: readonly Operation[] = [{ operation: "train", rows: 8 }];

/** Peers first: the ratios are those to the faster of them. */
const PEERS = ["pytorch contiguous", "pytorch channels_last"];
const programs = (purpose: "sample" | "train"): Program[] => [
  pytorch(PEERS[0], "contiguous", purpose),
  pytorch(PEERS[1], "channels_last", purpose),
  ours("tensorflow compiled", { engine: "tensorflow", purpose }),
  ours("tensorflow eager", { engine: "tensorflow", compiled: false, purpose }),
  ours("wasm", { engine: "wasm", purpose }),
];

interface Result {
  readonly contender: string;
  readonly description: string;
  readonly operation: string;
  readonly rows: number;
  readonly seconds: readonly number[];
}

const label = ({ operation, rows }: Operation) =>
  operation === "step" ? `step, ${rows} rows` : `training step, ${rows}`;

const measure = async (contenders: readonly Contender[], operations: readonly Operation[], rounds: number) => {
  const results: Result[] = [];
  for (const operation of operations) {
    const seconds = contenders.map((): number[] => []);
    // The first call of a shape compiles.
    for (const contender of contenders) await contender.time(operation);
    for (let round = 0; round < rounds; round++) {
      for (const [i, contender] of contenders.entries()) {
        if (seconds[i].reduce((sum, s) => sum + s, 0) > BUDGET_SECONDS) continue;
        // Threads of the one before may still spin.
        await new Promise((resume) => setTimeout(resume, 250));
        seconds[i].push((await contender.time(operation)).seconds);
      }
    }
    for (const [i, { name, description }] of contenders.entries()) {
      results.push({ contender: name, description, ...operation, seconds: seconds[i] });
      console.error(`${label(operation)}: ${name} ${(1000 * median(seconds[i])).toFixed(0)} ms`);
    }
  }
  return results;
};

const run = async (purpose: "sample" | "train", operations: readonly Operation[], options: Options) => {
  const contenders: Contender[] = [];
  const wanted = programs(purpose).filter(({ name }) => !options.only || options.only.includes(name));
  for (const program of wanted) {
    try {
      contenders.push(await start(program, options.folder));
    } catch (error) {
      console.error(`left out: ${(error as Error).message}`);
    }
  }
  const results = await measure(contenders, operations, options.rounds);
  const processes = [];
  for (const contender of contenders) {
    const { residentBytes } = await contender.time(operations.at(-1)!);
    processes.push({ contender: contender.name, purpose, secondsToReady: contender.secondsToReady, residentBytes });
    await contender.close();
  }
  return { results, processes };
};

interface Options {
  readonly folder: string;
  readonly rounds: number;
  readonly only?: readonly string[];
}

const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;

const table = (results: readonly Result[], processes: Awaited<ReturnType<typeof run>>["processes"]): string => {
  const operations = [...new Set(results.map(label as (result: Result) => string))];
  const names = [...new Set(results.map(({ contender }) => contender))];
  const milliseconds = (name: string, operation: string) => {
    const found = results.find((result) => result.contender === name && label(result as Operation) === operation);
    return found ? 1000 * median(found.seconds) : NaN;
  };
  const best = (operation: string) =>
    Math.min(...PEERS.map((name) => milliseconds(name, operation)).filter(Number.isFinite));
  const cell = (name: string, operation: string) => {
    const own = milliseconds(name, operation);
    return Number.isNaN(own) ? "–" : `${own.toFixed(0)} ms (${(best(operation) / own).toFixed(2)}×)`;
  };
  const process = (name: string, purpose: string) =>
    processes.find((found) => found.contender === name && found.purpose === purpose);
  const gigabytes = (bytes: number | undefined) => bytes === undefined ? "–" : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  return [
    row(["", ...operations, "start to ready", "memory, sampling", "memory, training"]),
    row(["---", ...operations.map(() => "---:"), "---:", "---:", "---:"]),
    ...names.map((name) =>
      row([
        name,
        ...operations.map((operation) => cell(name, operation)),
        `${process(name, "sample")?.secondsToReady.toFixed(1) ?? "–"} s`,
        gigabytes(process(name, "sample")?.residentBytes),
        gigabytes(process(name, "train")?.residentBytes),
      ])
    ),
  ].join("\n");
};

const writeModel = async (folder: string) => {
  const unet = parseUNetConfig(CIFAR10);
  const weights = initializeUNet(unet, 1);
  let index = 0;
  // A layer of zeros might be less work.
  for (const { data } of weights.values()) {
    index++;
    if (data.every((value) => value === 0)) data.forEach((_, i) => data[i] = 0.02 * normal(2, index, 0, i));
  }
  const scheduler = parseSchedulerConfig({});
  await savePipeline({ folder, unet, scheduler, labels: null, nullLabel: null, weights });
};

const { values } = parseArgs({
  args: Deno.args.slice(1),
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "7" },
    model: { type: "string" },
    only: { type: "string" },
    skip: { type: "string" },
  },
});
const folder = values.model ?? "runs/bench-cifar10";
if (values.model === undefined) await writeModel(folder);
const options = { folder, rounds: Number(values.rounds), only: values.only?.split(",") };
const sampling = values.skip === "step" ? { results: [], processes: [] } : await run("sample", STEPS, options);
const training = values.skip === "train" ? { results: [], processes: [] } : await run("train", TRAINING, options);
const results = [...sampling.results, ...training.results];
const processes = [...sampling.processes, ...training.processes];
console.log(table(results, processes));
if (values.json) await Deno.writeTextFile(values.json, JSON.stringify({ results, processes }, null, 2) + "\n");
if (values.model === undefined) await Deno.remove(folder, { recursive: true });
