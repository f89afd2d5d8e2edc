import { assertAlmostEquals, assertEquals } from "@std/assert";
import { betaSchedule, type Prediction, type ScheduleName, type Variance } from "../../../core/mod.ts";
import { createDataset } from "../../../datasets/dataset.ts";
import { openEngine } from "../../../engine/mod.ts";
import { type BoundNetwork, evaluatedProcess, measureBound } from "../../../evaluation/likelihood/bound.ts";
import { findingsOf } from "../../../evaluation/likelihood/findings.ts";
import { createPartialResult } from "../../../evaluation/likelihood/partial_result.ts";
import { decodeNpz } from "../../../formats/npz.ts";
import { createDenoiser } from "../../../model/denoiser.ts";
import { loadPipeline } from "../../../model/pipeline.ts";
import { parseSchedulerConfig } from "../../../model/scheduler_config.ts";

const FIXTURES = "tests/fixtures/evaluation";

interface Values<T> {
  mean: T;
  standardError: T;
}

type Golden =
  & Record<"total" | "prior" | "middle" | "decoder", Values<number>>
  & Record<"bits" | "rate" | "xStartMse" | "epsilonMse", Values<number[]>>
  & { seed: number };

interface Case extends Golden {
  name: string;
  schedule: [ScheduleName, number, number?];
  channels: number;
  prediction: Prediction;
  variance: Variance;
  clip: number | null;
  kept?: number[];
}

const compare = (findings: ReturnType<typeof findingsOf>, golden: Golden, tolerance: number): void => {
  for (const name of ["total", "prior", "middle", "decoder"] as const) {
    assertAlmostEquals(findings[name].mean, golden[name].mean, tolerance, name);
    assertAlmostEquals(findings[name].standardError!, golden[name].standardError, tolerance, `error of ${name}`);
  }
  assertEquals(findings.steps.length, golden.bits.mean.length);
  findings.steps.forEach((step, i) => {
    for (const name of ["bits", "rate", "xStartMse", "epsilonMse"] as const) {
      const message = `${name} at step ${i}`;
      assertAlmostEquals(step[name].mean, golden[name].mean[i], tolerance, message);
      assertAlmostEquals(step[name].standardError!, golden[name].standardError[i], tolerance, message);
    }
  });
};

const measure = async (
  process: ReturnType<typeof evaluatedProcess>,
  network: BoundNetwork,
  images: Uint8Array,
  { seed, side, labels = null }: { seed: number; side: number; labels?: number[] | null },
) => {
  const { channels } = network;
  using dataset = createDataset({
    name: "three",
    count: 3,
    height: side,
    width: side,
    channels,
    images,
    labels: null,
    classNames: null,
  });
  const stand = createPartialResult(process.timesteps.length);
  await measureBound(stand, {
    network,
    process,
    dataset,
    indices: Uint32Array.of(0, 1, 2),
    classOf: labels && ((index) => labels[index]),
    seed,
    batch: 3,
    signal: new AbortController().signal,
    onStep: () => {},
  });
  return findingsOf(stand, process);
};

const cases: Case[] = JSON.parse(Deno.readTextFileSync(`${FIXTURES}/bound.json`));
const arrays = decodeNpz(Deno.readFileSync(`${FIXTURES}/bound.npz`));

cases.forEach((golden, index) => {
  Deno.test(`the bound agrees to 1e-5 bits/dim with float64 NumPy on the same answers: ${golden.name}`, async () => {
    const [name, timesteps, betaEnd] = golden.schedule;
    const scheduler = parseSchedulerConfig({
      num_train_timesteps: timesteps,
      trained_betas: [...betaSchedule(name, timesteps, { betaEnd })],
      prediction_type: golden.prediction,
      variance_type: golden.variance,
      clip_sample: golden.clip !== null,
      clip_sample_range: golden.clip ?? 1,
    });
    const process = evaluatedProcess(scheduler, { respacing: golden.kept && String(golden.kept.length) });
    assertEquals([...process.timesteps], golden.kept ?? Array.from({ length: timesteps }, (_, t) => t));
    const { data, shape } = arrays[`outputs${index}`];
    const length = data.length / shape[0];
    const network: BoundNetwork = {
      channels: golden.channels,
      outChannels: shape[4],
      evaluate: (_, timesteps) => {
        const step = process.timesteps.indexOf(timesteps[0]);
        return (data as Float32Array).slice(step * length, (step + 1) * length);
      },
    };
    const images = arrays[`images${index}`].data as Uint8Array;
    compare(await measure(process, network, images, { seed: golden.seed, side: 4 }), golden, 1e-5);
  });
});

Deno.test("the bound of a model is that which diffusers' network and NumPy give, all its timesteps and classes", async () => {
  const golden: Golden & { images: number[]; labels: number[] } = JSON.parse(
    Deno.readTextFileSync(`${FIXTURES}/tiny_model.json`),
  );
  const pipeline = await loadPipeline("tests/fixtures/tiny-model");
  const network = createDenoiser(await openEngine("wasm"), pipeline);
  try {
    const findings = await measure(evaluatedProcess(pipeline.scheduler), network, Uint8Array.from(golden.images), {
      seed: golden.seed,
      side: 8,
      labels: golden.labels,
    });
    compare(findings, golden, 1e-4);
  } finally {
    network.dispose();
  }
});
