import { fromFileUrl } from "@std/path";
import type { Dataset } from "../../datasets/dataset.ts";
import { decodeNpz } from "../../formats/npz.ts";

/** Where tests/fixtures/datasets.py writes. */
export const FIXTURES = fromFileUrl(new URL("../fixtures/datasets/", import.meta.url));

/** What NumPy and Pillow read of the fixtures: flat bytes, by name. */
export const expected: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  Object.entries(decodeNpz(Deno.readFileSync(`${FIXTURES}expected.npz`)))
    .map(([name, { data }]) => [name, data as Uint8Array]),
);

/** All bytes of a dataset. */
export const bytesOf = (dataset: Dataset): Uint8Array => {
  const size = dataset.height * dataset.width * dataset.channels;
  const bytes = new Uint8Array(dataset.count * size);
  for (let i = 0; i < dataset.count; i++) dataset.read(i, bytes, i * size);
  return bytes;
};

/** Names of what lies in a folder, hidden ones too, but for the lock that stays; none if there is no folder. */
export const namesIn = (folder: string): string[] => {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== ".lock").sort();
  } catch {
    return [];
  }
};
