import { join, relative } from "@std/path";
import { z } from "zod";
import { disk, type FileReader } from "../files/reader.ts";
import { cardPath } from "./card.ts";
import { parseConfig } from "./config_json.ts";
import { ModelError, quoteText, quoteValue } from "./error.ts";
import { SCHEDULER_CLASSES } from "./scheduler_config.ts";
import { UNET_CLASS } from "./unet_config.ts";

/** Where the parts of a model lie. */
export interface ModelFiles {
  /** `null` where there is none, as for a bare U-Net. */
  readonly index: string | null;
  readonly unet: string;
  /** `null` for a bare U-Net that has no scheduler's configuration beside it. */
  readonly scheduler: string | null;
  readonly weights: string;
}

const STEM = "diffusion_pytorch_model";

/** The weights' names that are read, the first found in this order. */
export const WEIGHT_NAMES = [
  `${STEM}.safetensors`,
  `${STEM}.fp16.safetensors`,
  `${STEM}.bf16.safetensors`,
] as const;

const isShardIndex = (name: string) => name.startsWith(`${STEM}.safetensors.index`) && name.endsWith(".json");

const isPickle = (name: string) => name.startsWith(STEM) && name.endsWith(".bin");

/**
 * Picks a U-Net's weights among the names in its folder.
 *
 * @param source what `from_pretrained` is to be given, for the line that says how to convert
 * @returns the name, or `null` if there are none of any kind
 * @throws {ModelError} if there are weights, but in shards or pickled
 */
export const chooseWeights = (names: readonly string[], source: string): string | null => {
  const found = WEIGHT_NAMES.find((name) => names.includes(name));
  if (found) return found;
  const convert = (save = "") =>
    `convert them in Python: UNet2DModel.from_pretrained("${source}").save_pretrained("FOLDER"${save})`;
  if (names.some(isShardIndex)) {
    throw new ModelError(`its weights are in shards, which are not read; ${convert(', max_shard_size="1TB"')}`);
  }
  if (names.some(isPickle)) {
    throw new ModelError(`its weights are pickled (.bin), which can run code and is not read; ${convert()}`);
  }
  return null;
};

/**
 * Finds the parts of a model: of a diffusers pipeline (`unet/`, `scheduler/`), or of a bare U-Net, whose `config.json`,
 * weights and perhaps `scheduler_config.json` lie in the folder itself, as do those of pipelines of 2022. Either may have
 * a `model_index.json`.
 *
 * A path may lead to a file that is missing; reading it then says so.
 *
 * @param files where the folder is
 * @throws {ModelError} if the weights are there in a form that is not read
 */
export const findModel = async (folder: string, files: FileReader = disk): Promise<ModelFiles> => {
  const { exists, names } = files;
  const index = join(folder, "model_index.json");
  const isBare = !await exists(join(folder, "unet")) && await exists(join(folder, "config.json"));
  const unetFolder = isBare ? folder : join(folder, "unet");
  const beside = join(folder, "scheduler_config.json");
  const scheduler = isBare ? await exists(beside) ? beside : null : join(folder, "scheduler", "scheduler_config.json");
  let weights: string | null = null;
  if (await exists(unetFolder)) {
    try {
      weights = chooseWeights(await names(unetFolder), unetFolder);
    } catch (cause) {
      if (!(cause instanceof ModelError)) throw cause;
      throw new ModelError(`Cannot read ${unetFolder}: ${cause.message}`, { cause });
    }
  }
  return {
    index: await exists(index) ? index : null,
    unet: join(unetFolder, "config.json"),
    scheduler,
    weights: join(unetFolder, weights ?? WEIGHT_NAMES[0]),
  };
};

/**
 * The files that a model is read from, by their paths in its folder, with `/` between their parts.
 *
 * @throws {ModelError} as `findModel` does
 */
export const listModelFiles = async (folder: string): Promise<string[]> => {
  const { index, unet, scheduler, weights } = await findModel(folder);
  const paths = [index, unet, scheduler, join(folder, "denoise.json"), cardPath(folder), weights].filter((path) =>
    path !== null
  );
  const found = await Promise.all(paths.map(disk.exists));
  return paths.filter((_, i) => found[i]).map((path) => relative(folder, path).replaceAll("\\", "/"));
};

const schema = z.record(z.string(), z.unknown());

const PARTS = { unet: [UNET_CLASS], scheduler: SCHEDULER_CLASSES } as const;

/** The class of a part; `undefined` where the pipeline goes without, for which diffusers writes `[null, null]`. */
const classOf = (part: unknown): unknown => {
  if (!Array.isArray(part)) return part ?? undefined;
  return part[1] ?? undefined;
};

/** Names what a pipeline is made of apart from a U-Net and a scheduler: an encoder of latents, of text … */
const foreignParts = (index: Record<string, unknown>): string[] =>
  Object.entries(index)
    .filter(([name, part]) => !Object.hasOwn(PARTS, name) && Array.isArray(part) && classOf(part) !== undefined)
    .map(([name, part]) => `${quoteText(name)} (${quoteText(String(classOf(part)))})`);

/**
 * Checks by a pipeline's index that this project runs it: a `UNet2DModel`, a scheduler of a class that is read, and no
 * part beside. The pipeline's own class says nothing more, and is not asked for.
 *
 * @param json the parsed content of a `model_index.json`: the library and class of each part
 * @throws {ModelError} that names the part, its class and what is allowed
 */
export const checkModelIndex = (json: unknown): void => {
  const index = parseConfig(schema, json, "model index");
  const foreign = foreignParts(index);
  for (const [name, allowed] of Object.entries(PARTS)) {
    const received = classOf(index[name]);
    // A pipeline of other parts alone is told by those.
    if (received === undefined && foreign.length > 0) continue;
    if ((allowed as readonly unknown[]).includes(received)) continue;
    const choice = allowed.length === 1 ? `a ${allowed[0]}` : `one of ${allowed.join(", ")}`;
    throw new ModelError(`its ${name} must be ${choice}, received ${quoteValue(received)}`);
  }
  if (foreign.length > 0) throw new ModelError(`the model has parts that are not run here: ${foreign.join(", ")}`);
};
