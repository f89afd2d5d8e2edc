import type { NpyArray } from "../../formats/npy.ts";
import { decodeNpz } from "../../formats/npz.ts";

const arrays = decodeNpz(Deno.readFileSync(new URL("../fixtures/odd_pictures.npz", import.meta.url)));

/** An array of tests/fixtures/odd_pictures.npz; tests/fixtures/odd_pictures.py tells of each. */
export const oddPicture = (name: string): NpyArray => {
  const array = arrays[name];
  if (array === undefined) throw new Error(`there is no ${name} among the odd pictures`);
  return array;
};

/** Names of the files that Pillow reads or refuses. */
export const oddPictures = (kind: "read" | "refused"): string[] =>
  Object.keys(arrays).filter((name) => name.startsWith(`${kind}/`)).map((name) => name.slice(kind.length + 1));
