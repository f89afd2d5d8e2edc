import { join } from "@std/path";
import { createHash } from "node:crypto";
import { countNonFinite } from "../../core/check.ts";
import { replaceFile, writeAll } from "../../files/durable.ts";
import { isFile } from "../../files/exists.ts";
import { decodeNpz, encodeNpz } from "../../formats/npz.ts";
import { EvaluationError } from "../error.ts";
import type { FeatureExtractor } from "./feature_extractor.ts";
import type { FeatureRows } from "./feature_rows.ts";
import { type FeatureStatistics, sumStatistics } from "./frechet_distance.ts";
import type { ImageSet } from "./image_sets.ts";

/** Where features are kept, who receives progress, and what calls it off. */
export interface StoreOptions {
  /** Folder that is there, or can be made. */
  readonly folder: string;
  /** Images that a model draws together. */
  readonly batch: number;
  readonly signal: AbortSignal;
  readonly report: (event: { event: string; [fact: string]: unknown }) => void;
}

const VERSION = 1;

/** What decides the features of a set, and the name of the file that holds them. */
const storeKey = (set: ImageSet, { name, digest }: FeatureExtractor) => {
  const facts = { version: VERSION, images: set.key, extractor: { name, digest } };
  return { facts, name: createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 24) };
};

const BYTES = Float32Array.BYTES_PER_ELEMENT;

const readRows = (file: Deno.FsFile, count: number, size: number): FeatureRows => {
  const data = new Float32Array(count * size), bytes = new Uint8Array(data.buffer);
  file.seekSync(0, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) {
    const read = file.readSync(bytes.subarray(at, at + 2 ** 26));
    if (read === null) throw new Error("cannot read features: their file has become shorter");
    at += read;
  }
  return { data, count, size };
};

/**
 * The features of the first `count` images of a set. They are kept in a file, row by row as they come, so that nothing is
 * computed twice and what was stopped goes on where it was; more of the same images are added behind them.
 *
 * @throws {ExtractorError} if the extractor cannot take the images
 * @throws {EvaluationError} if another process is writing the same file, or a feature is not finite
 * @throws the signal's reason, once it aborts
 */
export const featuresOfSet = async (
  set: ImageSet,
  extractor: FeatureExtractor,
  count: number,
  { folder, batch, signal, report }: StoreOptions,
): Promise<FeatureRows> => {
  extractor.check(set);
  const { facts, name } = storeKey(set, extractor);
  const size = extractor.featureCount;
  await Deno.mkdir(folder, { recursive: true });
  using file = await Deno.open(join(folder, `${name}.f32`), { read: true, write: true, create: true });
  if (!await file.tryLock(true)) {
    throw new EvaluationError(
      `the features of ${set.name} are being computed by another process: wait for it, or name another --cache`,
    );
  }
  // A row that was cut off is written again.
  const known = Math.floor((await file.stat()).size / (size * BYTES));
  if (known >= count) return readRows(file, count, size);
  if (known === 0) await replaceFile(join(folder, `${name}.json`), `${JSON.stringify(facts, null, 2)}\n`);
  file.truncateSync(known * size * BYTES);
  file.seekSync(0, Deno.SeekMode.End);

  report({ event: "features", of: set.name, images: count, known, by: extractor.name });
  const started = performance.now();
  let done = 0;
  const onStep = (images: number) => {
    done += images;
    const imagesPerSecond = done * 1000 / (performance.now() - started);
    const secondsLeft = Math.max(0, count - known - done) / imagesPerSecond;
    report({
      event: "progress",
      step: Math.min(count, Math.round(known + done)),
      steps: count,
      imagesPerSecond,
      secondsLeft,
    });
  };
  const drawn = "model" in set.key;
  let at = known;
  for await (
    const images of set.batches(known, count, { batch: drawn ? batch : extractor.batch, signal, onStep })
  ) {
    const features = extractor.extract(images);
    if (countNonFinite(features) > 0) {
      throw new EvaluationError(
        `features must be finite, received others by ${extractor.name} for one of the images from ${at} on of ${set.name}`,
      );
    }
    at += features.length / size;
    writeAll(file, new Uint8Array(features.buffer, features.byteOffset, features.byteLength));
  }
  file.syncSync();
  return readRows(file, count, size);
};

/** Mean and covariance of rows; others get their turn meanwhile. */
export const statisticsOf = async (
  { data, count, size }: FeatureRows,
  { signal, report }: Pick<StoreOptions, "signal" | "report">,
): Promise<FeatureStatistics> => {
  const sums = sumStatistics(size), step = 64;
  for (let at = 0; at < count; at += step) {
    await new Promise<void>((resume) => setTimeout(resume, 0));
    signal.throwIfAborted();
    sums.add(data.subarray(at * size, (at + step) * size));
    report({ event: "progress", step: Math.min(count, at + step), steps: count });
  }
  return sums.finish();
};

const readStatistics = async (path: string, count: number): Promise<FeatureStatistics | null> => {
  try {
    const { mu, sigma } = decodeNpz(await Deno.readFile(path));
    if ([mu, sigma].some(({ data }) => countNonFinite(data as Float64Array) > 0)) return null;
    return { count, mean: mu.data as Float64Array<ArrayBuffer>, covariance: sigma.data as Float64Array<ArrayBuffer> };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
};

/**
 * Mean and covariance of a set's features, kept beside them as an `.npz` with `mu` and `sigma`, the form in which
 * pytorch-fid and clean-fid keep theirs; beside these, in ASCII, the extractor's digest.
 */
export const storedStatistics = async (
  set: ImageSet,
  extractor: FeatureExtractor,
  rows: FeatureRows,
  { folder, ...store }: Pick<StoreOptions, "folder" | "signal" | "report">,
): Promise<FeatureStatistics> => {
  const path = join(folder, `${storeKey(set, extractor).name}-${rows.count}.npz`);
  const stored = await readStatistics(path, rows.count);
  if (stored) return stored;
  const { mean, covariance, count } = await statisticsOf(rows, store);
  const size = mean.length, digest = new TextEncoder().encode(extractor.digest);
  const arrays = {
    mu: { dtype: "float64", shape: [size], data: mean },
    sigma: { dtype: "float64", shape: [size, size], data: covariance },
    extractor: { dtype: "uint8", shape: [digest.length], data: digest },
  } as const;
  await replaceFile(path, encodeNpz(arrays));
  return { count, mean, covariance };
};

/** Statistics of images that somebody else has computed: of how many is not said. */
export type GivenStatistics = Omit<FeatureStatistics, "count"> & {
  /** The digest of the extractor whose features they are of; `null` where the file does not say. */
  readonly extractor: string | null;
};

/** Names of the arrays in such a file. */
const STATISTICS: ReadonlySet<string> = new Set(["mu", "sigma", "extractor"]);

const isNpzFile = async (path: string): Promise<boolean> => path.endsWith(".npz") && await isFile(path);

/**
 * Reads the statistics in an `.npz` as pytorch-fid, clean-fid and this project keep them: `mu` of d values and `sigma` of
 * d×d, float64 or float32.
 *
 * @returns `null` if the path is no `.npz`, or it holds images and no statistics
 * @throws {EvaluationError} if it is damaged, their shapes do not fit each other, or a value is not finite
 */
export const readGivenStatistics = async (path: string): Promise<GivenStatistics | null> => {
  if (!await isNpzFile(path)) return null;
  const arrays = await (async () => {
    try {
      return decodeNpz(await Deno.readFile(path), { only: (name) => STATISTICS.has(name) });
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new EvaluationError(`cannot read ${path}: ${cause.message}`, { cause });
    }
  })();
  const { mu, sigma, extractor } = arrays;
  if (!mu || !sigma) return null;
  const size = mu.data.length;
  const fits = `${mu.shape}` === `${size}` && `${sigma.shape}` === `${size},${size}`;
  if (!fits || [mu, sigma].some(({ dtype }) => dtype !== "float64" && dtype !== "float32")) {
    throw new EvaluationError(
      `cannot read ${path}: mu must be floats of shape (d) and sigma of (d, d), received ${mu.dtype} of ` +
        `(${mu.shape.join(", ")}) and ${sigma.dtype} of (${sigma.shape.join(", ")})`,
    );
  }
  for (const [name, { data }] of Object.entries({ mu, sigma })) {
    const count = countNonFinite(data as Float64Array);
    if (count === 0) continue;
    throw new EvaluationError(
      `cannot read ${path}: ${name} must be finite, received ${count} of ${data.length} values that are not`,
    );
  }
  return {
    mean: Float64Array.from(mu.data as Float64Array),
    covariance: Float64Array.from(sigma.data as Float64Array),
    extractor: extractor?.data instanceof Uint8Array ? new TextDecoder().decode(extractor.data) : null,
  };
};
