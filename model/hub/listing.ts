import { z } from "zod";
import { parsePythonJson } from "../config_json.ts";
import { ModelError } from "../error.ts";
import { checkModelIndex, chooseWeights } from "../model_files.ts";
import { parseSchedulerConfig } from "../scheduler_config.ts";
import { parseUNetConfig } from "../unet_config.ts";
import { HubError, listingAddress, type Repository, type RequestOptions, requestText } from "./request.ts";

/** One file of a repository. */
export interface RemoteFile {
  readonly path: string;
  /** In bytes; `null` if the hub does not say. */
  readonly size: number | null;
  /** In lowercase hexadecimals; `null` if the hub does not say, as for small files. */
  readonly sha256: string | null;
}

/** A repository's files, and the repository at the very commit that was listed. */
export interface RepositoryListing {
  readonly repository: Repository;
  readonly files: readonly RemoteFile[];
}

const schema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/).optional().catch(undefined),
  siblings: z.array(z.object({
    rfilename: z.string(),
    size: z.int().min(0).nullish().catch(null),
    lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/).nullish().catch(null) }).nullish().catch(null),
  })),
});

/**
 * Asks the hub which files a repository has.
 *
 * @throws {HubError} if it refuses, or answers something else
 */
export const listFiles = async (repository: Repository, options: RequestOptions = {}): Promise<RepositoryListing> => {
  const url = listingAddress(repository);
  const text = await requestText(repository, url, options);
  let listed: z.infer<typeof schema>;
  try {
    listed = schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new HubError(`${url} does not answer as a model hub does`, { cause });
  }
  return {
    repository: { ...repository, revision: listed.sha ?? repository.revision },
    files: listed.siblings.map(({ rfilename, size, lfs }) => ({
      path: rfilename,
      size: size ?? null,
      sha256: lfs?.sha256 ?? null,
    })),
  };
};

/** The files that make a model, in the repository's own layout. */
export interface ModelRepositoryFiles {
  readonly unet: RemoteFile;
  readonly weights: RemoteFile;
  /** The small ones beside: the scheduler's configuration, the pipeline's index, the names of the classes, the card. */
  readonly others: readonly RemoteFile[];
}

/**
 * Picks the files of a pipeline, or of a bare U-Net, as `findModel` does in a folder.
 *
 * @throws {HubError} if there is no U-Net, or no weights in a form that is read
 */
export const chooseFiles = ({ repository: { name }, files }: RepositoryListing): ModelRepositoryFiles => {
  const find = (path: string) => files.find((file) => file.path === path);
  const isPipeline = find("unet/config.json") !== undefined;
  const folder = isPipeline ? "unet/" : "";
  const unet = find(`${folder}config.json`);
  if (!unet) throw new HubError(`${name} holds no U-Net of diffusers: neither unet/config.json nor config.json`);
  const names = files.map(({ path }) => path).filter((path) => path.startsWith(folder))
    .map((path) => path.slice(folder.length));
  let chosen: string | null;
  try {
    chosen = chooseWeights(names, isPipeline ? `${name}", subfolder="unet` : name);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new HubError(`Cannot use ${name}: ${cause.message}`, { cause });
  }
  if (chosen === null) throw new HubError(`${name} holds no weights: no ${folder}diffusion_pytorch_model.safetensors`);
  const beside = isPipeline ? "scheduler/scheduler_config.json" : "scheduler_config.json";
  return {
    unet,
    weights: find(`${folder}${chosen}`)!,
    others: ["model_index.json", beside, "denoise.json", "README.md"].map(find).filter((file) => file !== undefined),
  };
};

const checkText = (path: string, text: string): void => {
  // A card that is broken is no reason not to take the model.
  if (!path.endsWith(".json")) return;
  let json: unknown;
  try {
    json = parsePythonJson(text);
  } catch (cause) {
    throw new ModelError("it is not JSON", { cause });
  }
  if (path.endsWith("scheduler_config.json")) parseSchedulerConfig(json);
  else if (path.endsWith("config.json")) parseUNetConfig(json);
  else if (path === "model_index.json") checkModelIndex(json);
};

/**
 * Tells by a model's small files whether this project runs it, before the large one is fetched.
 *
 * @param texts the files' contents by their paths in the repository
 * @throws {ModelError} that names the file and what is in the way
 */
export const checkModel = ({ name }: Repository, texts: ReadonlyMap<string, string>): void => {
  for (const [path, text] of texts) {
    try {
      checkText(path, text);
    } catch (cause) {
      if (!(cause instanceof ModelError)) throw cause;
      throw new ModelError(`Cannot use ${name}: ${path}: ${cause.message}`, { cause });
    }
  }
};
