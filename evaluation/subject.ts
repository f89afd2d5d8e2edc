import { createHash } from "node:crypto";
import { isBuiltin } from "../datasets/names.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { openDataset } from "../datasets/open.ts";
import { type Engine, openEngine } from "../engine/mod.ts";
import { createDenoiser, type Denoiser } from "../model/denoiser.ts";
import { loadPipeline, type Pipeline } from "../model/pipeline.ts";
import { EvaluationError } from "./error.ts";
import type { SharedOptions } from "./options.ts";

/** SHA-256 of a model's network, process, classes and weights, in hexadecimal; wherever its folder lies. */
export const modelDigest = ({ unet, scheduler, labels, nullLabel, weights }: Pipeline): string => {
  const hash = createHash("sha256").update(JSON.stringify({ unet, scheduler, labels, nullLabel }));
  for (const name of [...weights.keys()].sort()) {
    const { shape, data } = weights.get(name)!;
    hash.update(JSON.stringify([name, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
};

/** One thing that happened in an evaluation. `event` names it; the other fields are its facts. */
export interface EvaluationEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

/** A model on its engine. */
export interface SubjectModel {
  readonly pipeline: Pipeline;
  readonly engine: Engine;
  readonly network: Denoiser;
  /** Differs where the weights or the process differ. */
  readonly digest: string;
}

/** What is evaluated, and where. The engine, the model and the data are opened when they are first asked for. */
export interface Subject extends Disposable {
  readonly options: SharedOptions;
  /** Where results go, and what a stopped evaluation goes on from. It is there. */
  readonly folder: string;
  /** Calls the evaluation off. */
  readonly signal: AbortSignal;
  readonly report: (event: EvaluationEvent) => void;
  engine(): Promise<Engine>;
  model(): Promise<SubjectModel>;
  /** Whether anybody asked for the model. */
  readonly hasModel: boolean;
  data(): Promise<Dataset>;
  /** The model and the data, if their images are of one shape. */
  both(): Promise<SubjectModel & { readonly dataset: Dataset }>;
}

const openModel = async (
  folder: string,
  openEngine: () => Promise<Engine>,
  report: Subject["report"],
): Promise<SubjectModel> => {
  const pipeline = await loadPipeline(folder, { notice: (message) => report({ event: "notice", message }) });
  const engine = await openEngine();
  return { pipeline, engine, network: createDenoiser(engine, pipeline), digest: modelDigest(pipeline) };
};

const checkShapes = ({ network }: SubjectModel, dataset: Dataset, { model, data, size }: SharedOptions): void => {
  const { height, width, channels } = network;
  if (dataset.height === height && dataset.width === width && dataset.channels === channels) return;
  const resizes = dataset.channels === channels && height === width && size !== height && !isBuiltin(data);
  throw new EvaluationError(
    `data must be images of ${height}×${width}×${channels} for the model ${model}, ` +
      `received ${dataset.height}×${dataset.width}×${dataset.channels} (${data})` +
      (resizes ? `; --size ${height} resizes them` : ""),
  );
};

const once = <T>(open: () => Promise<T>): () => Promise<T> => {
  let opened: Promise<T> | undefined;
  return () => opened ??= open();
};

/**
 * What the options name, not opened yet.
 *
 * Its `model` rejects with a ModelError or EngineError, its `data` with a DatasetError, its `both` with an
 * {@linkcode EvaluationError} too, if the images of the two differ in shape.
 */
export const createSubject = (
  options: SharedOptions,
  { folder, signal, report }: Pick<Subject, "folder" | "signal" | "report">,
): Subject => {
  const opened: { dispose(): void }[] = [];
  const engine = once(() => openEngine(options.engine, options));
  let hasModel = false;
  const model = once(async () => {
    hasModel = true;
    const model = await openModel(options.model, engine, report);
    opened.push(model.network);
    return model;
  });
  const data = once(async () => {
    const { size, classes } = options;
    const dataset = await openDataset(options.data, { size, classes, signal, onProgress: report });
    opened.push({ dispose: () => dataset[Symbol.dispose]() });
    return dataset;
  });
  return {
    options,
    folder,
    signal,
    report,
    engine,
    model,
    get hasModel() {
      return hasModel;
    },
    data,
    both: async () => {
      const dataset = await data();
      const found = await model();
      checkShapes(found, dataset, options);
      return { ...found, dataset };
    },
    [Symbol.dispose]: () => opened.forEach((one) => one.dispose()),
  };
};
