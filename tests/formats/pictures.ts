import type { NpyArray } from "../../formats/npy.ts";
import { decodeNpz } from "../../formats/npz.ts";

const arrays = decodeNpz(Deno.readFileSync(new URL("../fixtures/pictures.npz", import.meta.url)));

/** An array of tests/fixtures/pictures.npz; tests/fixtures/pictures.py tells of each. */
export const fixture = (name: string): NpyArray => {
  const array = arrays[name];
  if (array === undefined) throw new Error(`there is no ${name} among the pictures`);
  return array;
};

/** The bytes of a file among them. */
export const file = (name: string): Uint8Array<ArrayBuffer> => fixture(name).data as Uint8Array<ArrayBuffer>;

/** Names of the files under a prefix, without it. */
export const names = (prefix: string): string[] => {
  const found = Object.keys(arrays).filter((name) => name.startsWith(`${prefix}/`));
  if (found.length === 0) throw new Error(`there is nothing under ${prefix} among the pictures`);
  return found.map((name) => name.slice(prefix.length + 1));
};

/** The largest distance between two arrays of one length. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new Error(`lengths must be equal, received ${a.length} and ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};
