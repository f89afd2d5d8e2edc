import { join } from "@std/path";
import { DATA_NAME, DATA_ROOT, type DatasetName, DATASETS } from "./names.ts";
import { packageKey, packageOf } from "./packages.ts";
import { type CacheDescription, describeCache } from "./prepared.ts";

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

const MNIST = { height: 32, width: 32, channels: 1, classes: 10 } as const;

const ofCache = (name: string, cache: CacheDescription): ListedDataset => {
  const { count, height, width, channels, classNames, skipped, source, licence } = cache;
  const bytes = count * height * width * channels;
  const classes = classNames?.length ?? null;
  return { name, state: "prepared", images: count, height, width, channels, classes, bytes, skipped, source, licence };
};

const builtin = async (name: DatasetName, folder: string): Promise<ListedDataset> => {
  const origin = packageOf(name);
  if (!origin) return { name, state: "built-in", images: name === "mnist" ? 60_000 : 10_000, ...MNIST };
  const cache = await describeCache(join(folder, name));
  if (cache?.key === packageKey(origin.fetched)) return ofCache(name, cache);
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
  const listed = await Promise.all(DATASETS.map((name) => builtin(name, folder)));
  for (const name of await entriesOf(folder)) {
    const cache = (DATASETS as readonly string[]).includes(name) ? null : await describeCache(join(folder, name));
    if (cache) listed.push(ofCache(name, cache));
  }
  for (const name of await entriesOf(root)) {
    if (DATA_NAME.test(name)) listed.push({ name: join(root, name), state: "unprepared" });
  }
  return listed;
};
