import { fromFileUrl } from "@std/path";
import type { FeatureRows } from "../../../evaluation/quality/feature_rows.ts";
import { decodeNpz } from "../../../formats/npz.ts";

const folder = new URL("../../fixtures/evaluation/", import.meta.url);

/** What peers make of the fixture's features; quality.py tells how. */
export const expected: Record<string, number> = JSON.parse(
  Deno.readTextFileSync(fromFileUrl(new URL("quality.json", folder))),
);

const arrays = decodeNpz(Deno.readFileSync(fromFileUrl(new URL("quality.npz", folder))));

/** An array of the fixture, as float64. */
export const doubles = (name: string): Float64Array => Float64Array.from(arrays[name].data as Float64Array);

/** The first rows of an array of the fixture. */
export const rows = (name: string, count = arrays[name].shape[0]): FeatureRows => {
  const size = arrays[name].shape[1];
  return { data: (arrays[name].data as Float32Array).slice(0, count * size), count, size };
};
