import { join } from "@std/path";
import { z } from "zod";
import { isLearned } from "../core/reverse.ts";
import { disk, type FileReader } from "../files/reader.ts";
import { unetParameters } from "./architecture.ts";
import { cardPath, type ModelCard, readCard, saveCard } from "./card.ts";
import { parseConfig, parsePythonJson } from "./config_json.ts";
import { ModelError, quoteText, quoteValue } from "./error.ts";
import { checkModelIndex, findModel, WEIGHT_NAMES } from "./model_files.ts";
import { encodeSafetensors, parseWeights, type StoredTensor, type WrittenFormat } from "./safetensors.ts";
import { parseSchedulerConfig, type SchedulerConfig } from "./scheduler_config.ts";
import { parseUNetConfig, type UNetConfig } from "./unet_config.ts";
import { unheededSettings } from "./unheeded.ts";

/** What this project keeps beside diffusers' files, in `denoise.json`; diffusers ignores it. */
const schema = z.object({
  labels: z.array(z.string()).nullable().default(null),
  nullLabel: z.int().min(0).nullable().default(null),
});

/** The classes of a model. */
export interface Classes {
  /** Their names, by their index in the class embedding; `null` for an unconditional model. */
  readonly labels: readonly string[] | null;
  /** Index in the class embedding that stands for no class, for classifier-free guidance. */
  readonly nullLabel: number | null;
}

/**
 * Checks the classes against the rows of the class embedding: one each, the null class last. Names default to numbers.
 *
 * @param json the parsed content of a `denoise.json`
 * @param count rows of the class embedding, `null` for none
 * @throws {ModelError} that says what does not fit
 */
const parseClasses = (json: unknown, count: number | null): Classes => {
  const { labels, nullLabel } = parseConfig(schema, json, "class list");
  if (count === null) {
    if (labels === null && nullLabel === null) return { labels, nullLabel };
    throw new ModelError("labels and nullLabel must be null for a U-Net whose num_class_embeds is null");
  }
  if (nullLabel !== null && nullLabel !== count - 1) {
    throw new ModelError(`nullLabel must be null or ${count - 1}, the last of num_class_embeds, received ${nullLabel}`);
  }
  const named = nullLabel ?? count;
  if (labels !== null && labels.length !== named) {
    throw new ModelError(`labels must be ${named} for num_class_embeds ${count}, received ${labels.length}`);
  }
  return { labels: labels ?? Array.from({ length: named }, (_, i) => String(i)), nullLabel };
};

/** Parts of an attention by the names that diffusers gave them before its version 0.17, and their names since. */
const ATTENTION_NAMES: Readonly<Record<string, string>> = {
  query: "to_q",
  key: "to_k",
  value: "to_v",
  proj_attn: "to_out.0",
};

const OLD_NAME = /^(.*\.attentions\.\d+)\.(query|key|value|proj_attn)\.(weight|bias)$/;

/**
 * Gives the tensors of an old checkpoint the names of today, as diffusers does on loading; shapes did not change. A name
 * whose new one is there as well stays, so that it is refused as surplus.
 */
const renameOldTensors = <T>(tensors: ReadonlyMap<string, T>): Map<string, T> =>
  new Map(
    Array.from(tensors, ([name, tensor]) => {
      const renamed = name.replace(OLD_NAME, (_, block, part, kind) => `${block}.${ATTENTION_NAMES[part]}.${kind}`);
      return [tensors.has(renamed) ? name : renamed, tensor];
    }),
  );

/** A diffusion model as it lies on disk: a folder that diffusers' `DDPMPipeline.from_pretrained` opens. */
export interface Pipeline extends Classes {
  /** The folder it was read from, or will be written to. */
  readonly folder: string;
  readonly unet: UNetConfig;
  readonly scheduler: SchedulerConfig;
  /** What its scheduler's file asks for and is not done here; none where it was not read. See `unheededSettings`. */
  readonly unheeded?: readonly string[];
  /** What its author says of it; none where it was not read. */
  readonly card?: ModelCard;
  /** The U-Net's tensors by their name, in diffusers' layout. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
}

const reason = (error: unknown): string => {
  const { name } = error as Error;
  if (name === "NotFound") return "there is no such file";
  if (name === "NotCapable") throw error;
  if (error instanceof SyntaxError) return `it is not JSON (${quoteText(error.message)})`;
  return error instanceof Error ? error.message : String(error);
};

const readJson = async (path: string, { readText }: FileReader): Promise<unknown> => {
  try {
    return parsePythonJson(await readText(path));
  } catch (cause) {
    throw new ModelError(`Cannot read ${path}: ${reason(cause)}`, { cause });
  }
};

const inFile = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError(`Cannot read ${path}: ${cause.message}`, { cause });
  }
};

/** Checks that the tensors are those of the configured network: each there, none over, every shape right. */
const checkTensors = (config: UNetConfig, tensors: ReadonlyMap<string, StoredTensor>): void => {
  const surplus = new Set(tensors.keys());
  for (const { name, shape } of unetParameters(config)) {
    const found = tensors.get(name);
    if (!found) throw new ModelError(`tensor ${name} is missing`);
    if (found.shape.length !== shape.length || found.shape.some((n, i) => n !== shape[i])) {
      throw new ModelError(`tensor ${name} must have shape [${shape}], received ${quoteValue(found.shape)}`);
    }
    surplus.delete(name);
  }
  for (const name of surplus) throw new ModelError(`tensor ${quoteText(name)} is none of this network's`);
};

/** Checks that the output has the channels that the variance asks for. */
const checkOutput = ({ in_channels: channels, out_channels: outputs }: UNetConfig, variance: string): void => {
  if (outputs === 2 * channels || (outputs === channels && !isLearned(variance))) return;
  const allowed = isLearned(variance) ? `${2 * channels}` : `${channels} or ${2 * channels}`;
  throw new ModelError(
    `out_channels must be ${allowed} for in_channels ${channels} and variance_type ${variance}, received ${outputs}`,
  );
};

/** What a model's folder says of it, all but the weights. */
const readConfigs = async (folder: string, reader: FileReader) => {
  const files = await findModel(folder, reader).catch((cause) => {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(`Cannot read ${folder}: ${reason(cause)}`, { cause });
  });
  if (files.index !== null) {
    const index = await readJson(files.index, reader);
    inFile(files.index, () => checkModelIndex(index));
  }
  const unetJson = await readJson(files.unet, reader);
  const unet = inFile(files.unet, () => parseUNetConfig(unetJson));
  const schedulerJson = files.scheduler === null ? {} : await readJson(files.scheduler, reader);
  const scheduler = inFile(files.scheduler ?? files.unet, () => parseSchedulerConfig(schedulerJson));
  const unheeded = unheededSettings(schedulerJson, scheduler);
  inFile(files.unet, () => checkOutput(unet, scheduler.variance_type));
  return { files, unet, scheduler, unheeded };
};

/** The classes that a model's folder names, and its card. */
const readDescription = async (
  folder: string,
  { unet: { num_class_embeds: count }, scheduler: { num_train_timesteps: timesteps } }: Pick<
    Pipeline,
    "unet" | "scheduler"
  >,
  reader: FileReader,
): Promise<Classes & { card: ModelCard }> => {
  const path = join(folder, "denoise.json");
  const written = await reader.exists(path) ? await readJson(path, reader) : {};
  const classes = inFile(path, () => parseClasses(written, count));
  return { ...classes, card: await readCard(folder, { timesteps, nullLabel: classes.nullLabel }, reader) };
};

/**
 * Reads all of a model but its weights.
 *
 * @throws {ModelError} as `loadPipeline` does
 */
export const loadConfigs = async (folder: string): Promise<Omit<Pipeline, "weights">> => {
  const { unet, scheduler, unheeded } = await readConfigs(folder, disk);
  return { folder, unet, scheduler, unheeded, ...await readDescription(folder, { unet, scheduler }, disk) };
};

/**
 * Reads a model from a diffusers pipeline folder, or from a bare U-Net's: `config.json` and
 * `diffusion_pytorch_model.safetensors` beside each other. A bare one may have `scheduler_config.json` there too; without,
 * it is taken to be of the paper's process, which is diffusers' default: T = 1000, β linear from 1e-4 to 0.02, ε
 * predicted, β̃ as variance, x_0 clipped to [−1, 1]. A `model_index.json` must name no part but a U-Net and a scheduler, of
 * classes that are run here; which class of pipeline it names makes no difference.
 *
 * What its card says, the README.md in its folder, is read as well.
 *
 * @param options.reader where the folder is. @default this machine's disks
 * @param options.notice receives one line where the scheduler's file, or the card, asks for what is not done here
 * @throws {ModelError} in one line that names the file and what is wrong with it, if it is missing or damaged
 */
export const loadPipeline = async (
  folder: string,
  { reader = disk, notice = () => {} }: { reader?: FileReader; notice?: (message: string) => void } = {},
): Promise<Pipeline> => {
  const { files, unet, scheduler, unheeded } = await readConfigs(folder, reader);
  const bytes = await reader.readBytes(files.weights).catch((cause) => {
    throw new ModelError(`Cannot read ${files.weights}: ${reason(cause)}`, { cause });
  });
  const weights = inFile(files.weights, () => {
    const tensors = renameOldTensors(parseWeights(bytes));
    checkTensors(unet, tensors);
    return tensors;
  });
  const description = await readDescription(folder, { unet, scheduler }, reader);
  const { card } = description;
  if (unheeded.length > 0) notice(`${files.scheduler} is not followed in ${unheeded.join(", ")}`);
  if (card.unheeded.length > 0) notice(`${cardPath(folder)} is not followed in ${card.unheeded.join(", ")}`);
  return { folder, unet, scheduler, unheeded, ...description, weights };
};

const pretty = (value: unknown): string => JSON.stringify(value, null, 2) + "\n";

/** Writes all of a model's folder but its weights; a card holds what the one that was read has at its head. */
export const saveConfigs = async ({ folder, unet, scheduler, labels, nullLabel, card }: Pipeline): Promise<void> => {
  await Deno.mkdir(join(folder, "unet"), { recursive: true });
  await Deno.mkdir(join(folder, "scheduler"), { recursive: true });
  const version = { _diffusers_version: "0.30.0" };
  const index = {
    _class_name: "DDPMPipeline",
    ...version,
    scheduler: ["diffusers", "DDPMScheduler"],
    unet: ["diffusers", "UNet2DModel"],
  };
  await Deno.writeTextFile(join(folder, "model_index.json"), pretty(index));
  await Deno.writeTextFile(
    join(folder, "unet", "config.json"),
    pretty({ _class_name: "UNet2DModel", ...version, ...unet }),
  );
  await Deno.writeTextFile(
    join(folder, "scheduler", "scheduler_config.json"),
    pretty({ _class_name: "DDPMScheduler", ...version, ...scheduler }),
  );
  await Deno.writeTextFile(join(folder, "denoise.json"), pretty({ labels, nullLabel }));
  if (card) await saveCard(folder, card.metadata);
};

/**
 * Writes a model as a folder that `loadPipeline` and diffusers' `DDPMPipeline.from_pretrained` open.
 *
 * @param options.dtype F16 halves the weights' file; diffusers opens it as float32 again, unless asked otherwise
 * @throws {RangeError} if a weight is too large for `dtype`
 */
export const savePipeline = async (
  pipeline: Pipeline,
  { dtype = "F32" }: { dtype?: WrittenFormat } = {},
): Promise<void> => {
  await saveConfigs(pipeline);
  await Deno.writeFile(
    join(pipeline.folder, "unet", WEIGHT_NAMES[0]),
    encodeSafetensors(pipeline.weights, { dtype }),
  );
};
